package cli

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
)

// A lookClient notes which table it may not read items of. A store that only
// looks does without such a table, and without what is in it.
type lookClient struct {
	*dynamodb.Client

	mu     sync.Mutex
	denied string
}

// GetItem is part of [dynamolease.API].
func (c *lookClient) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out, err := c.Client.GetItem(ctx, in, opts...)
	api, _ := errors.AsType[smithy.APIError](err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.denied = ""; api != nil && api.ErrorCode() == "AccessDeniedException" {
		c.denied = aws.ToString(in.TableName)
	}
	return out, err
}

// tell says what a look did not show.
func (c *lookClient) tell(p *program) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.denied != "" {
		p.say("table %s may not be read (dynamodb:GetItem is denied): if there is one, the leader and the workers in it are not shown; --%s says that there is none", c.denied, singleTable)
	}
}
