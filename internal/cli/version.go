package cli

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// buildVersion is what the command was built from.
type buildVersion struct {
	head
	Version string            `json:"version"`
	Commit  *string           `json:"commit"`
	Go      string            `json:"go"`
	SDK     map[string]string `json:"sdk"`
	Tables  []string          `json:"tables"`
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "What this command was built from; asks no network",
		Args:  count(0, 0),
		RunE: func(*cobra.Command, []string) error {
			v := readVersion(debug.ReadBuildInfo())
			if j, ok := p.asJSON(); ok {
				if err := j.object(v); err != nil {
					return err
				}
				return j.close()
			}
			t := table{header: []string{"PART", "VERSION"}}
			t.add("leasehold", v.Version)
			if v.Commit != nil {
				t.add("commit", *v.Commit)
			}
			t.add("go", v.Go)
			for _, module := range []string{"core", "kinesis", "dynamodb"} {
				if v.SDK[module] != "" {
					t.add("aws-sdk-go-v2 "+module, v.SDK[module])
				}
			}
			t.add("lease tables", strings.Join(v.Tables, ", "))
			return t.print(p.stdout)
		},
	}
}

// sdkModules are the modules of the SDK that are reported, by short name.
var sdkModules = map[string]string{
	"github.com/aws/aws-sdk-go-v2":                  "core",
	"github.com/aws/aws-sdk-go-v2/service/kinesis":  "kinesis",
	"github.com/aws/aws-sdk-go-v2/service/dynamodb": "dynamodb",
}

// readVersion reads the version out of what the linker noted.
func readVersion(info *debug.BuildInfo, ok bool) buildVersion {
	v := buildVersion{head: kind("version"), Version: "unknown", Go: runtime.Version(), SDK: map[string]string{}, Tables: []string{"KCL 3.x"}}
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Commit = orNull(s.Value)
		}
	}
	for _, dep := range info.Deps {
		if name, ok := sdkModules[dep.Path]; ok {
			v.SDK[name] = dep.Version
		}
	}
	return v
}
