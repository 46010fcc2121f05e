package emul

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// The names of the services: what [Service].Name is, and so the names of
// subtests.
const (
	DynamoDBLocal = "dynamodb-local"
	Dynalite      = "dynalite"
	KinesisLocal  = "kinesis-local"
	Kinesalite    = "kinesalite"
)

// variables has the environment variable that holds each service's URL.
var variables = map[string]string{
	DynamoDBLocal: "LEASEHOLD_TEST_DYNAMODB_LOCAL",
	Dynalite:      "LEASEHOLD_TEST_DYNALITE",
	KinesisLocal:  "LEASEHOLD_TEST_KINESIS_LOCAL",
	Kinesalite:    "LEASEHOLD_TEST_KINESALITE",
}

// Credentials that every emulator accepts: DynamoDB Local wants letters and
// digits only, and kinesis-local takes an access key of twelve digits as the
// number of the account.
const (
	AccessKey = "000000000000"
	SecretKey = "secret"
	Region    = "us-east-1"
)

// A Service is one running emulator.
type Service struct {
	// Name is one of this package's constants, such as "dynamodb-local".
	Name string
	// URL is where it answers, such as "http://127.0.0.1:8000".
	URL string
}

// Config returns an SDK configuration for s: its endpoint, credentials, region,
// and the SDK's own retries.
func (s Service) Config() aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(s.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
		HTTPClient:   client,
	}
}

// client is shared by all configurations, and so are its connections. It knows
// no proxy and follows no redirect: it talks to loopback only.
var client = &http.Client{
	Transport:     plainBody{&http.Transport{MaxIdleConnsPerHost: 64}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// DynamoDBs returns the running emulators of DynamoDB, DynamoDB Local first.
// Without any the test is skipped; where CI is set, it fails if one is missing.
func DynamoDBs(t testing.TB) []Service {
	t.Helper()
	return find(t, os.Getenv, DynamoDBLocal, Dynalite)
}

// Kinesises returns the running emulators of Kinesis, kinesis-local first.
// Without any the test is skipped; where CI is set, it fails if one is missing.
func Kinesises(t testing.TB) []Service {
	t.Helper()
	return find(t, os.Getenv, KinesisLocal, Kinesalite)
}

// One returns the running emulator with a name, for a test that needs
// that one. Without it the test is skipped; where CI is set, it fails.
func One(t testing.TB, name string) Service {
	t.Helper()
	return find(t, os.Getenv, name)[0]
}

// Running returns the emulators whose URL getenv knows, in no test: for the
// program that waits until they answer.
func Running(getenv func(string) string) []Service {
	var found []Service
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if url := getenv(variables[name]); url != "" {
			found = append(found, Service{Name: name, URL: strings.TrimSuffix(url, "/")})
		}
	}
	return found
}

// find returns those of the named services that getenv knows, one at least.
func find(t testing.TB, getenv func(string) string, names ...string) []Service {
	t.Helper()
	var found []Service
	var missing []string
	for _, name := range names {
		variable, ok := variables[name]
		if !ok {
			t.Fatalf("emul: no emulator is called %q", name)
		}
		if url := strings.TrimSuffix(getenv(variable), "/"); url != "" {
			found = append(found, Service{Name: name, URL: url})
		} else {
			missing = append(missing, fmt.Sprintf("%s (its URL in %s)", name, variable))
		}
	}
	if len(missing) > 0 && getenv("CI") != "" {
		t.Fatalf("needs %s: .ci/emulators starts it", strings.Join(missing, " and "))
	}
	if len(found) == 0 {
		t.Skipf("needs %s: run the test under .ci/emulators, which starts it",
			strings.Join(missing, " or "))
	}
	return found
}

// Name returns a name for a table or stream that no other test, and no other
// run of this one, uses: the test's own name, shortened, and a random end.
// It is at most 60 characters long, letters, digits and hyphens only.
func Name(t testing.TB) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '-'
	}, strings.TrimPrefix(t.Name(), "Test"))
	if len(clean) > 40 {
		clean = clean[:40]
	}
	return clean + "-" + strings.ToLower(rand.Text()[:12])
}
