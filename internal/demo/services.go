package demo

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/leasehold/leasehold/awsfake"
	"github.com/leasehold/leasehold/dynamolease"
	"github.com/leasehold/leasehold/lease"
)

// observer signs the calls that the demo makes itself: they are not counted.
const observer = "demo"

// services are both services, in this process and at a port of this machine.
type services struct {
	fakes   *awsfake.Services
	table   *dynamolease.Store
	url     string
	server  *http.Server
	serving sync.WaitGroup
}

// writeOperations are the calls that change a row.
var writeOperations = map[string]bool{
	"PutItem": true, "UpdateItem": true, "DeleteItem": true, "TransactWriteItems": true, "BatchWriteItem": true,
}

// serve starts the services and tells b what reaches the table.
func serve(b *board) (*services, error) {
	s := &services{fakes: &awsfake.Services{
		Kinesis: &awsfake.Kinesis{},
		DynamoDB: &awsfake.DynamoDB{Trace: func(r awsfake.Result) {
			if r.Call.Caller == observer || !writeOperations[r.Call.Operation] {
				return
			}
			b.update(func() {
				b.writes++
				if r.Err == "ConditionalCheckFailedException" {
					b.refused[[2]string{r.Call.Caller, r.Call.Key}]++
				}
			})
		}},
	}}
	s.table = dynamolease.New(dynamodb.NewFromConfig(awsfake.Config(s.fakes, observer)), App)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + listener.Addr().String()
	s.server = &http.Server{Handler: s.fakes, ReadHeaderTimeout: 10 * time.Second}
	s.serving.Go(func() {
		if err := s.server.Serve(listener); err != http.ErrServerClosed {
			b.fail(err)
		}
	})
	return s, nil
}

func (s *services) close() {
	s.server.Close()
	s.serving.Wait()
}

// checkpoints reads the leases of these terms as they are stored now.
func (s *services) checkpoints(ctx context.Context, terms []termID) (map[termID]lease.Position, error) {
	m := make(map[termID]lease.Position, len(terms))
	for _, id := range terms {
		l, err := s.table.Get(ctx, id.shard)
		if err != nil {
			return nil, err
		}
		if l != nil {
			m[id] = l.Checkpoint
		}
	}
	return m, nil
}

// openShards are the shards that take records, in the order of their IDs.
func (s *services) openShards() []string {
	var open []string
	for _, sh := range s.fakes.Kinesis.Shards(Stream) {
		if sh.Open {
			open = append(open, sh.ID)
		}
	}
	return open
}
