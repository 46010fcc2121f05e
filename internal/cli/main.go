package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// A program is one run of the command.
type program struct {
	stdin          io.Reader
	stdout, stderr *screen
	env            func(string) string
	flags          globals
	// streamRegion is the region in the ARN of a stream, if one was given.
	streamRegion string
}

// Main runs the command with args, which do not hold the program's name, and
// returns the exit code of the process: 0 done, 1 failed, 2 wrong usage,
// 4 refused by a safety rule, 6 not found, 7 no credentials or denied,
// 8 throttled or timed out, 128 and the signal's number when a signal cut the
// work short. When ctx is done, work without an end stops cleanly.
//
// Env reads the environment. Endpoints, region, profile, keys, application and
// stream come from it; what else the AWS settings may hold, such as roles and
// certificates, the SDK reads from the process's own environment.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	p := &program{stdin: stdin, env: env, stdout: newScreen(stdout, env), stderr: newScreen(stderr, env)}
	root := p.root()
	// Nil would mean the arguments of the process.
	root.SetArgs(append([]string{}, args...))
	err := root.ExecuteContext(ctx)
	return p.end(ctx, err)
}

// root builds the tree of commands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "leasehold",
		Short:         "Share the shards of a Kinesis stream among many processes, and see who has what",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return p.settle(cmd)
		},
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Example: `  leasehold local --stream orders:4
  leasehold produce orders --local --sample orders --rate 200/s
  leasehold consume orders --local -n 10 --from trim-horizon`,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpTemplate(helpTemplate)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetIn(p.stdin)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return flagError(err).hinted("%s --help", cmd.CommandPath())
	})
	p.addGlobals(root)
	root.AddCommand(
		p.demoCommand(),
		p.localCommand(),
		p.produceCommand(),
		p.consumeCommand(),
		p.streamsCommand(),
		p.shardsCommand(),
		p.leasesCommand(),
		p.versionCommand(),
	)
	return root
}

// group makes a command that only has subcommands.
func group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var names []string
			for _, v := range cmd.Commands() {
				names = append(names, v.Name())
			}
			return usage("%s: what to do is missing", verb(cmd)).hinted("%s %s", cmd.CommandPath(), strings.Join(names, "|"))
		},
	}
	c.AddCommand(verbs...)
	return c
}

// noSuchCommand refuses arguments of a command that only has subcommands.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := usage("there is no command %q", strings.TrimSpace(verb(cmd)+" "+args[0])).hinted("%s --help", cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return e.hinted("did you mean %s?", strings.Join(near, " or "))
	}
	return e
}

// count checks how many arguments a command has.
func count(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && (most < 0 || len(args) <= most) {
			return nil
		}
		if len(args) < least {
			return usage("%s: an argument is missing", verb(cmd)).hinted("usage: %s", cmd.UseLine())
		}
		extra := args[most]
		e := usage("%s: argument %q is one too many", verb(cmd), extra)
		if _, _, err := net.SplitHostPort(extra); err == nil && cmd.Flags().Changed("local") {
			return e.hinted("--local takes its address with an equals sign: --local=%s", extra)
		}
		return e.hinted("usage: %s", cmd.UseLine())
	}
}

// verb is the command's name without the program's.
func verb(cmd *cobra.Command) string {
	_, name, _ := strings.Cut(cmd.CommandPath(), " ")
	return name
}

// flagError says what is wrong among the flags.
func flagError(err error) *Error {
	bad, ok := errors.AsType[interface {
		error
		GetValue() string
	}](err)
	if !ok {
		return usage("%v", err)
	}
	// The parser's own reason is that of the function that it calls.
	_, name, _ := strings.Cut(strings.TrimPrefix(bad.Error(), fmt.Sprintf("invalid argument %q", bad.GetValue())), "--")
	name, _, _ = strings.Cut(name, `"`)
	return usage("--%s %q: want %s", name, bad.GetValue(), flagWants(err))
}

// flagWants is what a flag's value should have been, by why it was refused.
func flagWants(err error) string {
	n, ok := errors.AsType[*strconv.NumError](err)
	switch {
	case !ok:
		return "a time such as 90s or 5m"
	case n.Func == "ParseBool":
		return "true or false"
	}
	return "a number such as 4"
}

// end says why the command failed and returns the exit code.
func (p *program) end(ctx context.Context, err error) int {
	if err == nil || p.stdout.gone {
		// Whoever reads our output has seen enough, as in "… | head".
		return int(done)
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = classify(err)
	}
	if errors.Is(err, context.Canceled) {
		if s, ok := errors.AsType[*SignalError](context.Cause(ctx)); ok {
			e = &Error{Code: code(s.ExitCode()), What: e.What, Why: s.Error(), Err: err}
		}
	}
	// Several mistakes found at once are lines of one error.
	e.Why = strings.ReplaceAll(e.Why, "\n", "; ")
	fmt.Fprintf(p.stderr, "%s %s\n", p.stderr.paint("red", "leasehold:"), printable(e.Error()))
	if e.Hint != "" {
		fmt.Fprintf(p.stderr, "hint: %s\n", printable(e.Hint))
	}
	// A mistake among the flags may be met before they are settled.
	if p.flags.json || strings.HasPrefix(p.flags.output, "json") {
		j := jsonWriter{w: p.stderr}
		j.object(struct {
			head
			Exit int     `json:"exit"`
			What *string `json:"what"`
			Why  string  `json:"why"`
			Hint *string `json:"hint"`
		}{kind("error"), int(e.Code), orNull(e.What), e.Why, orNull(e.Hint)})
	}
	return int(e.Code)
}

// say tells people on stderr what happened, unless they asked for quiet.
func (p *program) say(format string, args ...any) {
	if !p.flags.quiet {
		fmt.Fprintln(p.stderr, printable(fmt.Sprintf(format, args...)))
	}
}

// verbose is say with -v only.
func (p *program) verbose(format string, args ...any) {
	if p.flags.verbose {
		p.say(format, args...)
	}
}

// asJSON reports whether objects are asked for, and makes their writer.
func (p *program) asJSON() (*jsonWriter, bool) {
	return &jsonWriter{w: p.stdout, array: p.flags.output == "json"}, p.flags.output != "table"
}
