package cli

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold/dynamolease"
)

// tableFlags say how a lease table is made and read.
type tableFlags struct {
	single             bool
	tags               []string
	deletionProtection bool
	recovery           bool
}

const singleTable = "single-table"

// addLook declares the flag of a command that only looks.
func (t *tableFlags) addLook(c *cobra.Command, when string) {
	c.Flags().BoolVar(&t.single, singleTable, false, when+"the application has no table but its lease table; it needs no permission on APP-CoordinatorState then")
}

// addMake declares the flags of a command that makes the table if it is missing.
func (t *tableFlags) addMake(c *cobra.Command, when string) {
	fs := c.Flags()
	fs.BoolVar(&t.single, singleTable, false, when+"the application has no table but its lease table; this worker needs no permission on APP-CoordinatorState then, and if it is wrong, the application has two leaders")
	fs.StringArrayVar(&t.tags, "tag", nil, when+"`KEY=VALUE` for a lease table that is made; may be repeated")
	fs.BoolVar(&t.deletionProtection, "deletion-protection", false, when+"protect a lease table that is made from deletion")
	fs.BoolVar(&t.recovery, "pitr", false, when+"switch on the lease table's point-in-time recovery, if it is not on")
}

// tableFlagNames are the flags that addMake declares.
var tableFlagNames = []string{singleTable, "tag", "deletion-protection", "pitr"}

// config is what the flags ask for.
func (t *tableFlags) config() (dynamolease.Config, error) {
	tags, err := parseTags(t.tags)
	return dynamolease.Config{
		SingleTable:         t.single,
		Tags:                tags,
		DeletionProtection:  t.deletionProtection,
		PointInTimeRecovery: t.recovery,
	}, err
}

// parseTags reads KEY=VALUE, and refuses what DynamoDB would. (DynamoDB API
// Reference, Tag and TagResource: keys of 1 to 128 characters that do not begin
// with aws:, values of up to 256, no key twice, up to 50 tags.)
func parseTags(all []string) (map[string]string, error) {
	tags := map[string]string{}
	for _, s := range all {
		key, value, ok := strings.Cut(s, "=")
		_, twice := tags[key]
		switch {
		case !ok || key == "":
			return nil, usage("--tag %q: want KEY=VALUE, such as team=mail", s)
		case twice:
			return nil, usage("--tag %q: the key %s is given twice", s, key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return nil, usage("--tag %q: keys that begin with aws: are not for us", s)
		case utf8.RuneCountInString(key) > 128, utf8.RuneCountInString(value) > 256:
			return nil, usage("--tag %q: a key has up to 128 characters and a value up to 256", s)
		}
		tags[key] = value
	}
	if len(tags) > 50 {
		return nil, usage("--tag is given %d times: a table has up to 50 tags", len(tags))
	}
	return tags, nil
}

// given is the first of the flags with these names that is on the command line,
// empty if none is.
func given(cmd *cobra.Command, names ...string) string {
	i := slices.IndexFunc(names, cmd.Flags().Changed)
	if i < 0 {
		return ""
	}
	return names[i]
}
