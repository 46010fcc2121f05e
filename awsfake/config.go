package awsfake

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Config returns the settings of an SDK client that reaches h in process.
// Caller is the access key ID that it signs with: scripts and traces tell
// clients apart by [Call.Caller]. The SDK's retries are as by default.
func Config(h http.Handler, caller string) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: new("http://awsfake.invalid"),
		HTTPClient:   Client(h),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: caller, SecretAccessKey: "none", Source: "awsfake"}, nil
		}),
	}
}
