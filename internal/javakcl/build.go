package javakcl

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed worker
var sources embed.FS

// Prepare builds the worker program, unless that was done since its sources
// changed. It needs a Java development kit, Maven and the network, and takes a
// minute the first time.
func Prepare() error {
	to, err := place()
	if err != nil {
		return err
	}
	if _, ok := built(to); ok {
		return nil
	}
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("remove a broken build of the Java worker: %w", err)
	}
	if err := build(to); err != nil {
		return fmt.Errorf("build the Java worker: %w", err)
	}
	if _, ok := built(to); !ok {
		return fmt.Errorf("build the Java worker: the build in %s is not whole", to)
	}
	return nil
}

// classpath returns the class path of the worker program. If it was not built,
// or there is no Java, the test is skipped; where CI is set, it fails.
func classpath(t testing.TB) string {
	t.Helper()
	to, err := place()
	if err == nil {
		_, err = exec.LookPath("java")
	}
	if err == nil {
		if path, ok := built(to); ok {
			return path
		}
		err = errors.New("it is not built: go run ./internal/javakcl/prepare")
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("needs the Java worker: %v", err)
	}
	t.Skipf("needs the Java worker: %v", err)
	return ""
}

// place is where the present sources' build is kept, in the user's cache folder.
func place() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place for the Java worker: %w", err)
	}
	version, err := version(sources)
	if err != nil {
		return "", fmt.Errorf("read the Java worker's sources: %w", err)
	}
	return filepath.Join(cache, "leasehold", "javakcl-"+version), nil
}

// version is a name for the state of the sources.
func version(fsys fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(fsys, path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:16], err
}

// built returns the class path of a build, if every part of it exists: the
// libraries are Maven's own files, which may be cleaned away.
func built(to string) (classpath string, ok bool) {
	b, err := os.ReadFile(filepath.Join(to, "classpath"))
	if err != nil {
		return "", false
	}
	parts := append([]string{filepath.Join(to, "classes")}, filepath.SplitList(strings.TrimSpace(string(b)))...)
	for _, p := range parts {
		if _, err := os.Stat(p); err != nil {
			return "", false
		}
	}
	return strings.Join(parts, string(filepath.ListSeparator)), true
}

// build builds into a folder beside to and renames it, so that to is whole or
// absent, and of two tests that build at once one wins and both are served.
func build(to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(to), "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	src, out := filepath.Join(tmp, "src"), filepath.Join(tmp, "out")
	if err := os.CopyFS(src, sources); err != nil {
		return err
	}
	cmd := exec.Command("mvn", "-q", "-B", "-f", filepath.Join(src, "worker", "pom.xml"), "-Dto="+out,
		"compile", "dependency:build-classpath")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, bytes.TrimSpace(said))
	}
	if err := os.Rename(out, to); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
