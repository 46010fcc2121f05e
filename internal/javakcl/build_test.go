package javakcl

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func TestVersionFollowsTheSources(t *testing.T) {
	name := func(fsys fstest.MapFS) string {
		t.Helper()
		v, err := version(fsys)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	base := name(fstest.MapFS{"a": {Data: []byte("1")}, "b": {Data: []byte("2")}})
	if again := name(fstest.MapFS{"b": {Data: []byte("2")}, "a": {Data: []byte("1")}}); again != base {
		t.Errorf("same sources: got %s and %s", base, again)
	}
	for _, other := range []fstest.MapFS{
		{"a": {Data: []byte("1")}, "b": {Data: []byte("3")}},
		{"a": {Data: []byte("1")}, "c": {Data: []byte("2")}},
		{"a": {Data: []byte("1")}},
	} {
		if v := name(other); v == base {
			t.Errorf("sources %v: got the version of other sources", other)
		}
	}
}

func TestBuiltNeedsEveryPart(t *testing.T) {
	dir := t.TempDir()
	jar := filepath.Join(dir, "library.jar")
	write := func(name, s string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := built(dir); ok {
		t.Error("an empty folder: got ok")
	}
	write(filepath.Join(dir, "classpath"), jar+"\n")
	if err := os.Mkdir(filepath.Join(dir, "classes"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, ok := built(dir); ok {
		t.Error("without its library: got ok")
	}
	write(jar, "")
	want := filepath.Join(dir, "classes") + string(filepath.ListSeparator) + jar
	if path, ok := built(dir); path != want || !ok {
		t.Errorf("whole: got %q, %v, want %q, true", path, ok, want)
	}
}
