package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// settled returns a program with these arguments parsed, without a command run.
func settled(t *testing.T, env func(string) string, args ...string) *program {
	t.Helper()
	p := &program{env: env, stdout: newScreen(t.Output(), env), stderr: newScreen(t.Output(), env)}
	cmd := p.root()
	cmd.SetArgs(args)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := p.settle(cmd); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEndpointOrder(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CA_BUNDLE", "")
	home := t.TempDir()
	profile := filepath.Join(home, "config")
	err := os.WriteFile(profile, []byte(`
[default]
region = eu-west-1
endpoint_url = http://127.0.0.1:10
services = here
[services here]
kinesis =
  endpoint_url = http://127.0.0.1:11
[profile plain]
region = eu-west-2
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	base := []string{"AWS_CONFIG_FILE=" + profile, "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(home, "none")}
	all := append(base, "AWS_ENDPOINT_URL=http://127.0.0.1:8", "AWS_ENDPOINT_URL_KINESIS=http://127.0.0.1:9", "AWS_REGION=ap-south-1")
	for _, tt := range []struct {
		name                    string
		env                     []string
		args                    []string
		kinesis, dynamo, region string
	}{
		{"one service's flag", all, []string{"--endpoint-url-kinesis=http://127.0.0.1:6", "--endpoint-url=http://127.0.0.1:7"}, "6", "7", "ap-south-1"},
		{"the flag", all, []string{"--endpoint-url=http://127.0.0.1:7", "--region=x-1"}, "7", "7", "x-1"},
		{"one service's variable, then the general one", all, nil, "9", "8", "ap-south-1"},
		{"the profile's service, then the profile", base, nil, "11", "10", "eu-west-1"},
		{"no endpoint in the environment or the profile", append(all, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"), []string{"--endpoint-url=http://127.0.0.1:7"}, "7", "7", "ap-south-1"},
		{"--local", all, []string{"--local"}, "4567", "4567", "us-east-1"},
		{"--local with an address", all, []string{"--local=localhost:5"}, "5", "5", "us-east-1"},
	} {
		p := settled(t, environment(tt.env...), tt.args...)
		k, loopback, err := p.kinesisClient(t.Context())
		if err != nil {
			t.Errorf("%s: kinesis: %v", tt.name, err)
			continue
		}
		d, err := p.dynamoClient(t.Context())
		if err != nil {
			t.Errorf("%s: dynamodb: %v", tt.name, err)
			continue
		}
		if got := aws.ToString(k.Options().BaseEndpoint); !strings.HasSuffix(got, ":"+tt.kinesis) || !loopback {
			t.Errorf("%s: kinesis at %q (loopback %v), want port %s", tt.name, got, loopback, tt.kinesis)
		}
		if got := aws.ToString(d.Options().BaseEndpoint); !strings.HasSuffix(got, ":"+tt.dynamo) {
			t.Errorf("%s: dynamodb at %q, want port %s", tt.name, got, tt.dynamo)
		}
		if got := k.Options().Region; got != tt.region {
			t.Errorf("%s: region %q, want %q", tt.name, got, tt.region)
		}
	}
}

// The stream of an ARN is where the ARN says, and the table where the settings say.
func TestRegionOfAnARN(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "")
	p := settled(t, environment("AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none", "AWS_REGION=us-east-1"), "--endpoint-url=http://127.0.0.1:1")
	ref, err := p.parseStream("arn:aws-cn:kinesis:cn-north-1:123456789012:stream/orders")
	if err != nil || ref.name != "orders" {
		t.Fatalf("got %+v, %v", ref, err)
	}
	k, _, err := p.kinesisClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.dynamoClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := [2]string{k.Options().Region, d.Options().Region}, [2]string{"cn-north-1", "us-east-1"}; got != want {
		t.Errorf("regions %q, want %q", got, want)
	}
}

func TestCredentials(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CA_BUNDLE", "")
	home := t.TempDir()
	file := filepath.Join(home, "credentials")
	if err := os.WriteFile(file, []byte("[work]\naws_access_key_id = fromprofile\naws_secret_access_key = x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"AWS_CONFIG_FILE=" + filepath.Join(home, "none"), "AWS_SHARED_CREDENTIALS_FILE=" + file, "AWS_REGION=us-east-1"}
	keys := append(base, "AWS_ACCESS_KEY_ID=fromenv", "AWS_SECRET_ACCESS_KEY=y")
	for _, tt := range []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{"a loopback endpoint without credentials has throw-away ones", base, []string{"--endpoint-url=http://127.0.0.1:1"}, localKey},
		{"and takes those that are there", keys, []string{"--endpoint-url=http://[::1]:1"}, "fromenv"},
		{"--local never sends real ones", keys, []string{"--local"}, localKey},
		{"the environment", keys, nil, "fromenv"},
		{"a named profile beats the environment", keys, []string{"--profile=work"}, "fromprofile"},
		{"a profile named by the environment does not", append(keys, "AWS_PROFILE=work"), nil, "fromenv"},
	} {
		p := settled(t, environment(tt.env...), tt.args...)
		k, _, err := p.kinesisClient(t.Context())
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if c, err := k.Options().Credentials.Retrieve(t.Context()); err != nil || c.AccessKeyID != tt.want {
			t.Errorf("%s: got key %q, %v, want %q", tt.name, c.AccessKeyID, err, tt.want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for url, want := range map[string]bool{
		"http://127.0.0.1:4567": true, "http://127.8.9.1": true, "http://[::1]:1": true, "http://localhost:1": true,
		"http://10.0.0.1:1": false, "http://localhost.example.com": false, "http://127.0.0.1.example.com": false, "http://0.0.0.0:1": false, "": false,
	} {
		if got := isLoopback(url); got != want {
			t.Errorf("isLoopback(%q) = %v, want %v", url, got, want)
		}
	}
}

// badWriter is a body that cannot be written whole by its own WriteTo, as the
// SDK's once it is closed.
type badWriter struct{ io.Reader }

func (badWriter) WriteTo(io.Writer) (int64, error) { return 0, io.EOF }
func (badWriter) Close() error                     { return nil }

type clientFunc func(*http.Request) (*http.Response, error)

func (f clientFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

func TestPlainBodyIsOnlyAReader(t *testing.T) {
	var sent bytes.Buffer
	client := plainBody{clientFunc(func(r *http.Request) (*http.Response, error) {
		_, err := io.Copy(&sent, r.Body)
		return nil, err
	})}
	body := badWriter{strings.NewReader("payload")}
	req, err := http.NewRequestWithContext(context.Background(), "POST", "http://127.0.0.1", body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(req); err != nil || sent.String() != "payload" {
		t.Errorf("sent %q, %v, want the payload", sent.String(), err)
	}
	if req.Body != io.ReadCloser(body) {
		t.Error("the caller's request was changed")
	}
}
