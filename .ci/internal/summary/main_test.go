package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lines makes the output of go test -json from "action package test output".
func lines(events ...string) string {
	var b strings.Builder
	for _, e := range events {
		f := strings.SplitN(e, " ", 4)
		b.WriteString(`{"Action":"` + f[0] + `","Package":"` + f[1] + `"`)
		if len(f) > 2 && f[2] != "-" {
			b.WriteString(`,"Test":"` + f[2] + `"`)
		}
		if len(f) > 3 {
			b.WriteString(`,"Output":"` + f[3] + `\n"`)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

var (
	good = lines("start p", "run p TestEmulatorPut", "run p TestEmulatorPut/dynalite", "run p TestEmulatorPut/dynalite/late",
		"pass p TestEmulatorPut/dynalite/late", "pass p TestEmulatorPut/dynalite", "pass p TestEmulatorPut",
		"run p TestJavaReads", "skip p TestJavaReads", "pass p")
	bad = lines("start q", "run q TestA", "output q TestA === RUN", "output q TestA a_test.go:1: wrong", "fail q TestA",
		"run q TestB", "output q TestB fine", "pass q TestB", "run q TestC", "output q TestC hanging", "fail q")
	uncompiled = lines("build-output r", "start r", "fail r")
)

func TestReport(t *testing.T) {
	for _, tt := range []struct {
		name, in      string
		fails         bool
		want, without []string
	}{
		{"passed", good, false, []string{"ok   p 3 passed, 1 skipped"}, nil},
		{"failed and unfinished", good + bad, true,
			[]string{"a_test.go:1: wrong", "not ended: TestC", "hanging", "FAIL q 1 passed, 1 failed", "ok   p"},
			[]string{"fine", "=== RUN"}},
		{"not compiled", uncompiled, true, []string{"FAIL r 0 passed"}, nil},
		{"nothing tested", "", true, nil, nil},
		{"not of go test", "hello\n", true, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			err := run([]string{"report"}, strings.NewReader(tt.in), &out)
			if (err != nil) != tt.fails {
				t.Errorf("got error %v, want one: %v", err, tt.fails)
			}
			for _, s := range tt.want {
				if !strings.Contains(out.String(), s) {
					t.Errorf("no %q in\n%s", s, out.String())
				}
			}
			for _, s := range tt.without {
				if strings.Contains(out.String(), s) {
					t.Errorf("%q in\n%s", s, out.String())
				}
			}
		})
	}
}

func TestTotal(t *testing.T) {
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "run.json")
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, tt := range []struct {
		name  string
		args  []string
		fails bool
		want  []string
	}{
		{"counts tests and checks", []string{"-passed", "2", file(good)}, false, []string{"\n5 passed, 0 failed\n"}},
		{"several runs", []string{"-real", file(good), file(good)}, false, []string{"dynalite            1 passed", "\n6 passed, 0 failed\n"}},
		{"a required target ran", []string{"-required", "dynalite", "-real", file(good)}, false, []string{"\n3 passed, 0 failed\n"}},
		{"a required target was skipped", []string{"-required", "java dynalite", "-real", file(good)}, true,
			[]string{"java                0 passed, 0 failed, 1 skipped", "MISSING: no test passed against java\n", "\n3 passed, 1 failed\n"}},
		{"a required target has no test", []string{"-required", "process", "-real", file(good)}, true, []string{"MISSING"}},
		{"a required target in another run", []string{"-required", "dynalite", file(good)}, true, []string{"MISSING"}},
		{"a failed test", []string{file(bad)}, true, []string{"\n1 passed, 1 failed\n"}},
		{"a failed check", []string{"-failed", "1", file(good)}, true, []string{"\n3 passed, 1 failed\n"}},
		{"a package that did not compile", []string{file(uncompiled)}, true, []string{"\n0 passed, 1 failed\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			err := run(append([]string{"total"}, tt.args...), nil, &out)
			if (err != nil) != tt.fails {
				t.Errorf("got error %v, want one: %v", err, tt.fails)
			}
			for _, s := range tt.want {
				if !strings.Contains(out.String(), s) {
					t.Errorf("no %q in\n%s", s, out.String())
				}
			}
		})
	}
}
