package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go/logging"
)

const (
	// localAddress is where "leasehold local" listens and --local looks, unless
	// told otherwise.
	localAddress = "127.0.0.1:4567"
	localRegion  = "us-east-1"
	// localKey is both halves of the throw-away credentials. DynamoDB Local
	// takes letters and digits only.
	localKey = "local"
)

// throwAway are credentials for a service that does not look at them.
func throwAway() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(localKey, localKey, "")
}

// kinesisClient makes the client for streams, and reports whether it calls a
// service on this machine. Without usable credentials it fails at once: the
// client would say so less clearly, and only after its retries.
func (p *program) kinesisClient(ctx context.Context) (client *kinesis.Client, loopback bool, err error) {
	cfg, err := p.awsConfig(ctx, "KINESIS")
	if err != nil {
		return nil, false, err
	}
	client = kinesis.NewFromConfig(cfg)
	endpoint := aws.ToString(client.Options().BaseEndpoint)
	cfg, err = p.finish(ctx, cfg, endpoint)
	if err != nil {
		return nil, false, err
	}
	return kinesis.NewFromConfig(cfg, func(o *kinesis.Options) { o.BaseEndpoint = orNull(endpoint) }), isLoopback(endpoint), nil
}

// dynamoClient makes the client for lease tables.
func (p *program) dynamoClient(ctx context.Context) (*dynamodb.Client, error) {
	cfg, err := p.awsConfig(ctx, "DYNAMODB")
	if err != nil {
		return nil, err
	}
	endpoint := aws.ToString(dynamodb.NewFromConfig(cfg).Options().BaseEndpoint)
	cfg, err = p.finish(ctx, cfg, endpoint)
	if err != nil {
		return nil, err
	}
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = orNull(endpoint) }), nil
}

// awsConfig loads the settings as the AWS command line does, for the service
// with this name in the names of variables. The client adds the endpoints of
// the profile, which rank below those here.
func (p *program) awsConfig(ctx context.Context, service string) (aws.Config, error) {
	opts := []func(*config.LoadOptions) error{
		config.WithRegion(p.region(service)),
		// The client's own remarks are for whoever writes a program with it.
		config.WithLogger(logging.Nop{}),
	}
	if name := p.profile(); name != "" {
		opts = append(opts, config.WithSharedConfigProfile(name))
	}
	if path := p.env("AWS_CONFIG_FILE"); path != "" {
		opts = append(opts, config.WithSharedConfigFiles([]string{path}))
	}
	if path := p.env("AWS_SHARED_CREDENTIALS_FILE"); path != "" {
		opts = append(opts, config.WithSharedCredentialsFiles([]string{path}))
	}
	// A profile named on the command line beats the keys of the environment.
	key, secret := p.env("AWS_ACCESS_KEY_ID"), p.env("AWS_SECRET_ACCESS_KEY")
	if p.flags.local == "" && p.flags.profile == "" && key != "" && secret != "" {
		opts = append(opts, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(key, secret, p.env("AWS_SESSION_TOKEN"))))
	}
	endpoint, err := p.endpoint(service)
	if err != nil {
		return aws.Config{}, err
	}
	if p.flags.local != "" {
		opts = append(opts, config.WithCredentialsProvider(throwAway()))
	}
	if isLoopback(endpoint) {
		// Whoever works on this machine does not want to wait for an instance
		// metadata service that is not there.
		opts = append(opts, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
			return aws.Config{}, usage("there is no profile %q", missing.Profile).hinted("\"aws configure list-profiles\" names them; --profile or AWS_PROFILE chooses one")
		}
		return aws.Config{}, while(usage("%v", err), "AWS settings")
	}
	if endpoint != "" {
		cfg.BaseEndpoint = &endpoint
		// The client would let the profile's endpoint win over this one.
		cfg.ConfigSources = nil
	}
	return cfg, nil
}

// finish completes cfg once the endpoint is known.
func (p *program) finish(ctx context.Context, cfg aws.Config, endpoint string) (aws.Config, error) {
	loopback := isLoopback(endpoint)
	if loopback {
		if cfg.Region == "" {
			cfg.Region = localRegion
		}
		if cfg.HTTPClient == nil {
			cfg.HTTPClient = http.DefaultClient
		}
		cfg.HTTPClient = plainBody{cfg.HTTPClient}
	}
	if cfg.Region == "" {
		return cfg, usage("no region is set").hinted("--region NAME, AWS_REGION, or a profile with a region")
	}
	asking := ctx
	if loopback {
		// A profile's endpoint is known only now, when nobody has said yet not to
		// look for an instance metadata service.
		var cancel context.CancelFunc
		asking, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
	}
	if _, err := cfg.Credentials.Retrieve(asking); err != nil {
		if !loopback || ctx.Err() != nil {
			return cfg, &Error{Code: denied, What: "find credentials", Why: "there are none, or they cannot be used",
				Hint: "--profile NAME, \"aws sso login\", or AWS_ACCESS_KEY_ID; without AWS: --local", Err: err}
		}
		cfg.Credentials = throwAway()
	}
	if endpoint != "" {
		p.verbose("endpoint %s, region %s", endpoint, cfg.Region)
	}
	return cfg, nil
}

// endpoint is the endpoint of a service by flags and environment, empty if they
// name none.
func (p *program) endpoint(service string) (string, error) {
	byService := map[string]string{"KINESIS": p.flags.endpointKinesis, "DYNAMODB": p.flags.endpointDynamo}[service]
	candidates := []string{byService, p.flags.endpoint}
	if p.flags.local != "" {
		candidates = []string{"http://" + p.flags.local}
	}
	if ignore, _ := strconv.ParseBool(p.env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")); !ignore {
		candidates = append(candidates, p.env("AWS_ENDPOINT_URL_"+service), p.env("AWS_ENDPOINT_URL"))
	}
	for _, c := range candidates {
		if c == "" {
			continue
		}
		if u, err := url.Parse(c); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "", usage("endpoint %q is not a URL", c).hinted("an endpoint looks like http://%s", localAddress)
		}
		return c, nil
	}
	return "", nil
}

// region is the region of a service by flags and environment. The stream of an
// ARN is where the ARN says; the table need not be there too.
func (p *program) region(service string) string {
	switch {
	case service == "KINESIS" && p.streamRegion != "":
		return p.streamRegion
	case p.flags.region != "":
		return p.flags.region
	case p.flags.local != "":
		return localRegion
	case p.env("AWS_REGION") != "":
		return p.env("AWS_REGION")
	}
	return p.env("AWS_DEFAULT_REGION")
}

func (p *program) profile() string {
	if p.flags.profile != "" {
		return p.flags.profile
	}
	return p.env("AWS_PROFILE")
}

// isLoopback reports whether a URL's host is this machine.
func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && isLoopbackHost(u.Hostname())
}

func isLoopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
