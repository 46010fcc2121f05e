package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold/awsfake"
)

// localFlags are the flags of local.
type localFlags struct {
	listen   string
	streams  []string
	printEnv bool
	readyFD  int
}

func (p *program) localCommand() *cobra.Command {
	var f localFlags
	c := &cobra.Command{
		Use:   "local",
		Short: "Serve Kinesis and DynamoDB on this machine, in memory",
		Long: `Serve Kinesis and DynamoDB at one address of this machine, in memory, until
stopped. What is in them is then gone. Streams have the limits of the real
service: 1,000 records a second and five reads a second for each shard.`,
		Example: `  leasehold local --stream orders:4
  eval "$(leasehold local --print-env)"`,
		Args: count(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.serveLocal(cmd.Context(), f, cmd.Flags().Changed("ready-fd"))
		},
	}
	fs := c.Flags()
	fs.StringVar(&f.listen, "listen", localAddress, "address to serve at; of this machine only, since nobody is asked who he is")
	fs.StringArrayVar(&f.streams, "stream", nil, "make this stream, `NAME:SHARDS`; may be repeated")
	fs.BoolVar(&f.printEnv, "print-env", false, "print the settings for a client's environment and end")
	fs.IntVar(&f.readyFD, "ready-fd", 0, "write one byte to this file descriptor `N` when serving")
	return c
}

// serveLocal serves both services until ctx is done.
func (p *program) serveLocal(ctx context.Context, f localFlags, ready bool) error {
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return usage("--listen %q: want HOST:PORT, such as %s", f.listen, localAddress)
	}
	if !isLoopbackHost(host) {
		return &Error{Code: refused, What: "listen on " + f.listen, Why: "refused, since others could reach it there",
			Hint: "nobody is asked who he is: an address of this machine only, such as " + localAddress}
	}
	if f.printEnv {
		return p.printLocalEnv(f.listen)
	}
	names, err := parseStreams(f.streams)
	if err != nil {
		return err
	}
	if ready && f.readyFD < 3 {
		return usage("--ready-fd %d: want a file descriptor of 3 or more", f.readyFD)
	}
	services := &awsfake.Services{Kinesis: &awsfake.Kinesis{Limits: true}, DynamoDB: &awsfake.DynamoDB{}}
	for _, s := range names {
		if err := makeStream(ctx, services, s.name, s.shards); err != nil {
			return while(err, "create stream %s", s.name)
		}
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return while(listenError(err), "listen on %s", f.listen)
	}
	if err := p.printLocal(listener.Addr().String(), names); err != nil {
		listener.Close()
		return err
	}
	if ready {
		if err := signalReady(f.readyFD); err != nil {
			listener.Close()
			return while(err, "say that it serves")
		}
	}
	return while(serve(ctx, listener, services), "serve on %s", f.listen)
}

// listenError says why nothing can listen there.
func listenError(err error) error {
	if _, ok := errors.AsType[*net.AddrError](err); ok {
		return usage("there is no such port").hinted("a port is 0, for any that is free, to 65535")
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return &Error{Code: failed, Why: "something listens there already", Err: err,
			Hint: "it may be another \"leasehold local\"; --listen 127.0.0.1:0 takes any free port"}
	}
	return err
}

// serve serves until ctx is done. A fan-out subscription has no end of its own,
// so that its connection is cut: there is nothing in it to save.
func serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: h, Protocols: protocols, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	err := server.Close()
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// A namedStream is a stream to be made.
type namedStream struct {
	name   string
	shards int32
}

// parseStreams reads NAME:SHARDS.
func parseStreams(all []string) ([]namedStream, error) {
	var parsed []namedStream
	for _, s := range all {
		name, number, ok := strings.Cut(s, ":")
		if !ok {
			return nil, usage("--stream %q: want NAME:SHARDS, such as orders:4", s)
		}
		if err := checkStreamName(name); err != nil {
			return nil, err
		}
		shards, err := parseShards(number)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, namedStream{name, shards})
	}
	return parsed, nil
}

// makeStream makes a stream in process.
func makeStream(ctx context.Context, services http.Handler, name string, shards int32) error {
	client := kinesis.NewFromConfig(awsfake.Config(services, localKey))
	_, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards})
	return err
}

// localEnv is what a client's environment needs to use the services there.
func localEnv(address string) string {
	return fmt.Sprintf("export AWS_ENDPOINT_URL=http://%s AWS_REGION=%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n", address, localRegion, localKey, localKey)
}

func (p *program) printLocalEnv(address string) error {
	_, err := fmt.Fprint(p.stdout, localEnv(address))
	return err
}

// printLocal says what is served where.
func (p *program) printLocal(address string, streams []namedStream) error {
	if j, ok := p.asJSON(); ok {
		pairs := []string{}
		for _, s := range streams {
			pairs = append(pairs, fmt.Sprintf("%s:%d", s.name, s.shards))
		}
		if err := j.object(struct {
			head
			Address string   `json:"address"`
			Streams []string `json:"streams"`
		}{kind("local"), address, pairs}); err != nil {
			return err
		}
		return j.close()
	}
	text := "serving Kinesis and DynamoDB at http://" + address + "\n"
	for _, s := range streams {
		text += fmt.Sprintf("stream %s, %s\n", s.name, counted(s.shards, "shard"))
	}
	_, err := fmt.Fprint(p.stdout, text+localEnv(address))
	return err
}

// signalReady writes one byte to a file descriptor and closes it.
func signalReady(fd int) error {
	f := os.NewFile(uintptr(fd), "ready-fd")
	if f == nil {
		return usage("--ready-fd %d is not a file descriptor", fd)
	}
	if _, err := f.Write([]byte("\n")); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
