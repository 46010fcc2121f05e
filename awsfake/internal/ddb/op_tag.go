package ddb

import (
	"regexp"
	"slices"
	"strings"
)

// maxTags is how many tags a table may have. (DynamoDB Developer Guide,
// Tagging restrictions.)
const maxTags = 50

// A resource is the table that an operation on tags names by its ARN.
type resource struct{ ResourceArn string }

var tableARN = regexp.MustCompile(`^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/([a-zA-Z0-9_.-]{3,255})$`)

func (r resource) target() string {
	if m := tableARN.FindStringSubmatch(r.ResourceArn); m != nil {
		return m[1]
	}
	return ""
}

// use finds the table and locks it. The caller unlocks it.
func (r resource) use(db *DB) (*table, *Error) {
	name := r.target()
	if name == "" {
		return nil, invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", r.ResourceArn)
	}
	t, err := db.use(name)
	if err != nil && err.Code == codeNotFound {
		err = notFound("Requested resource not found: ResourcArn: %s not found", r.ResourceArn)
	}
	return t, err
}

type listTags struct{ resource }

func (op *listTags) do(db *DB, _ Options) (Output, *Error) {
	t, err := op.use(db)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	return Output{Body: map[string][]tag{"Tags": append([]tag{}, t.tags...)}}, nil
}

type tagResource struct {
	resource
	Tags []tag
}

func (op *tagResource) do(db *DB, _ Options) (Output, *Error) {
	t, err := op.use(db)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	tags := slices.DeleteFunc(slices.Clone(t.tags), func(old tag) bool {
		return slices.ContainsFunc(op.Tags, func(x tag) bool { return x.Key == old.Key })
	})
	tags = append(tags, op.Tags...)
	if err := checkTags(tags); err != nil {
		return Output{}, err
	}
	t.tags = tags
	return Output{Body: struct{}{}}, nil
}

// checkTags checks all tags that a table is to have.
func checkTags(tags []tag) *Error {
	seen := map[string]bool{}
	for _, x := range tags {
		switch {
		case x.Key == "" || len(x.Key) > 128:
			return violated(x.Key, "tags.member.key", "Member must have length between 1 and 128")
		case len(x.Value) > 256:
			return violated(x.Value, "tags.member.value", "Member must have length less than or equal to 256")
		case strings.HasPrefix(x.Key, "aws:"):
			return invalid("One or more tag keys begin with the reserved prefix aws:, which is not allowed: %s", x.Key)
		case seen[x.Key]:
			return invalid("Duplicate tag key: %s", x.Key)
		}
		seen[x.Key] = true
	}
	if len(tags) > maxTags {
		return limitExceeded("Too many tags: a resource may have at most %d", maxTags)
	}
	return nil
}

type untagResource struct {
	resource
	TagKeys []string
}

func (op *untagResource) do(db *DB, _ Options) (Output, *Error) {
	t, err := op.use(db)
	if err != nil {
		return Output{}, err
	}
	defer t.mu.Unlock()
	t.tags = slices.DeleteFunc(slices.Clone(t.tags), func(x tag) bool { return slices.Contains(op.TagKeys, x.Key) })
	return Output{Body: struct{}{}}, nil
}
