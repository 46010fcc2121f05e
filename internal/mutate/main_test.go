package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The fixture has a defect for each verdict.
func TestRun(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), []string{"-root", "testdata/fixture", "-defects", "defects", "-j", "2"}, &out)
	if err == nil {
		t.Error("got no error, want one: not every defect is killed")
	}
	got := out.String()
	for _, want := range []string{
		`killed   a-killed\n`,
		`killed   b-two-blocks\n`,
		`SURVIVED c-survives: \./clock TestExpiredBlind passes\n\tA test that looks at nothing\.\n`,
		`BROKEN   d-does-not-compile: \./clock does not compile`,
		`BROKEN   e-does-not-apply: clock/clock\.go: 0 places`,
		`BROKEN   f-applies-twice: clock/clock\.go: 2 places`,
		`BROKEN   g-no-such-test: \./clock TestExpires without the defect: there is no such test`,
		`BROKEN   h-skipped: \./clock TestSkips without the defect: it is skipped`,
		`BROKEN   i-fails-without: \./clock TestFailsAnyway without the defect: it fails`,
		`BROKEN   sub/panics: \./clock TestWaitEnds fails by a panic`,
		`killed   sub/panics-as-meant\n`,
		`\n11 defects: 3 killed, 1 survived, 7 broken, in `,
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("output has no %q:\n%s", want, got)
		}
	}
}

func TestRunOfKilledDefectsOnly(t *testing.T) {
	var out strings.Builder
	args := []string{"-root", "testdata/fixture", "-defects", "defects", "-run", "^a-"}
	if err := run(t.Context(), args, &out); err != nil {
		t.Errorf("run %q: %v\n%s", args, err, out.String())
	}
	if !strings.HasPrefix(out.String(), "killed   a-killed\n1 defects: 1 killed") {
		t.Errorf("run %q printed\n%s", args, out.String())
	}
}

func TestRunWithoutADefect(t *testing.T) {
	args := []string{"-root", "testdata/fixture", "-defects", "defects", "-run", "no such name"}
	if err := run(t.Context(), args, &strings.Builder{}); err == nil {
		t.Error("got no error, want one: nothing was tried")
	}
}

// A test that a defect hangs has not failed by itself.
func TestHangIsNoKill(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(fixture(t), dir)
	// The patience is for a test that took long without the defect: none here.
	hung := test{"./clock", "TestWaitEnds"}
	r.baselines[hung] = &baseline{took: -patienceExtra/patienceFactor + 50e6}
	r.baselines[hung].once.Do(func() {})
	v, text := r.try(t.Context(), defect{tests: []test{hung}, edits: []edit{{"clock/clock.go",
		[]block{{[]string{"\t\tn--"}, []string{"\t\tcontinue"}}}}}})
	if v != broken || text != "./clock TestWaitEnds hangs" {
		t.Errorf("got %v, %q, want a hang", v, text)
	}
}

// The real list parses and applies: without running anything, so that a change
// that makes it stale is noticed at once.
func TestDefectsApply(t *testing.T) {
	root, err := moduleRoot("")
	if err != nil {
		t.Fatal(err)
	}
	defects, err := readDefects("defects", regexp.MustCompile(""))
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(root, t.TempDir())
	for _, d := range defects {
		if _, err := r.plant(d, t.TempDir()); err != nil {
			t.Errorf("defect %s: %v", d.name, err)
		}
	}
}

func fixture(t *testing.T) string {
	t.Helper()
	root, err := moduleRoot("testdata/fixture")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestParseDefect(t *testing.T) {
	got, err := parseDefect("name", `# One reason
# in two lines.
test: ./a TestA
test: ./b TestB/sub test
how: panic
file: a/a.go
-	old
-
-	older
+	new

-	context
+	context
+	more
-	third
file: b/b.go
-x
`)
	want := defect{
		name:   "name",
		why:    "One reason in two lines.",
		tests:  []test{{"./a", "TestA"}, {"./b", "TestB/sub test"}},
		panics: true,
		edits: []edit{
			{"a/a.go", []block{
				{[]string{"\told", "", "\tolder"}, []string{"\tnew"}},
				{[]string{"\tcontext"}, []string{"\tcontext", "\tmore"}},
				{[]string{"\tthird"}, nil},
			}},
			{"b/b.go", []block{{[]string{"x"}, nil}}},
		},
	}
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestParseDefectReportsMistakes(t *testing.T) {
	const head, file = "# why\ntest: ./a TestA\n", "file: a.go\n"
	for _, tt := range []struct{ name, text, want string }{
		{"no reason", "test: ./a TestA\n" + file + "-a\n", "why"},
		{"no test", "# why\n" + file + "-a\n", "no test"},
		{"no file", head, "no file"},
		{"no change", head + file, "nothing in a.go"},
		{"a change before a file", head + "-a\n" + file, "line 3: a change before any file"},
		{"only an addition", head + file + "+a\n", "line 4: a block begins"},
		{"an addition after a gap", head + file + "-a\n\n+b\n", "line 6: a block begins"},
		{"a package of another module", "# why\ntest: fmt TestA\n", "line 2: want test"},
		{"a benchmark", "# why\ntest: ./a BenchmarkA\n", "line 2: want test"},
		{"a file elsewhere", head + "file: ../a.go\n", "line 3: file"},
		{"an unknown line", head + "files: a.go\n", "line 3: cannot read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parseDefect("d", tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("parseDefect(%q): got %v, want an error with %q", tt.text, err, tt.want)
			}
		})
	}
}

func TestApplyFindsLinesOnce(t *testing.T) {
	const text = "a\nb\na\nc\n"
	for _, tt := range []struct {
		name   string
		blocks []block
		want   string // "" for an error
	}{
		{"one line", []block{{[]string{"b"}, []string{"x", "y"}}}, "a\nx\ny\na\nc\n"},
		{"lines that are alike but for the next", []block{{[]string{"a", "c"}, nil}}, "a\nb\n"},
		{"one after the other", []block{{[]string{"b"}, []string{"d"}}, {[]string{"d"}, []string{"e"}}}, "a\ne\na\nc\n"},
		{"twice", []block{{[]string{"a"}, nil}}, ""},
		{"part of a line", []block{{[]string{"", "b"}, nil}}, ""},
		{"longer than the text", []block{{strings.Split(text+text, "\n"), nil}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := apply(text, tt.blocks)
			if got != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("apply(%q): got %q, %v, want %q", tt.blocks, got, err, tt.want)
			}
		})
	}
}
