package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/images/oci"
)

// scriptRun is "run CODE ARG...": rootbuild, which has to end with the code.
func scriptRun(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: run CODE ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec("rootbuild", args[1:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// scriptBuild is "build CODE ARG...": a build of the site, in the directories
// state and roots.
func scriptBuild(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: build CODE ARG...")
	}
	f := fixture{base: ts.Getenv("BASE"), runc: ts.Getenv("RUNC")}
	scriptRun(ts, false, append(append(args[:1:1], f.args(".")...), args[1:]...))
}

// scriptLayers is "layers LAYOUT FILE": the layers of the image that the file
// refers to, each after what made it.
func scriptLayers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: layers LAYOUT FILE")
	}
	layout, err := oci.OpenLayout(ts.MkAbs(args[0]))
	ts.Check(err)
	digest, err := base.Resolve(strings.TrimSpace(ts.ReadFile(args[1])))
	ts.Check(err)
	img, err := layout.Image(digest)
	ts.Check(err)
	config, err := img.ConfigFile()
	ts.Check(err)
	for i, diffID := range config.RootFS.DiffIDs {
		fmt.Fprintf(ts.Stdout(), "%s %s\n", config.History[i].CreatedBy, diffID)
	}
}

// scriptTree is "tree DIR": a line for each path below it, with what a node
// sees of it.
func scriptTree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tree DIR")
	}
	root, err := filepath.EvalSymlinks(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(ts.Stdout(), rel, describe(path, info))
		return err
	}))
}

func describe(path string, info fs.FileInfo) string {
	st := info.Sys().(*syscall.Stat_t)
	text := fmt.Sprintf("%s %d:%d", info.Mode(), st.Uid, st.Gid)
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		return fmt.Sprintf("%s -> %s%s", text, to, errText(err))
	case info.IsDir():
		return text
	case info.Mode()&fs.ModeDevice != 0:
		return fmt.Sprintf("%s %d,%d", text, st.Rdev>>8, st.Rdev&0xff)
	}
	return fmt.Sprintf("%s %d bytes, %d links, %s", text, st.Size, st.Nlink, info.ModTime().UTC().Format("2006-01-02"))
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return " " + err.Error()
}

// writeTarball writes a tar of one file.
func writeTarball(file, name, text string) error {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
		return err
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}
