// Package buildertest has what tests of real builds stand on: a small base
// image, made on the spot without a network, and the runc of this checkout.
package buildertest

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// programs are those of this host that the scripts of steps call.
var programs = []string{
	"bash", "cat", "chmod", "chown", "cp", "dirname", "find", "grep", "install", "ln", "mkdir", "mknod",
	"mv", "nproc", "rm", "rmdir", "sed", "sleep", "sort", "tail", "tar", "touch",
}

// gcc is asked for the name of the machine only: the tests compile nothing.
const gcc = "#!/bin/bash\necho x86_64-test-linux-gnu\n"

// Base writes an image of this host's own programs to a layout in dir, and
// returns its digest. Another comment makes another base with the same tools.
func Base(dir, comment string) (v1.Hash, error) {
	layout, err := oci.OpenLayout(dir)
	if err != nil {
		return v1.Hash{}, err
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeBase(w, comment)) }()
	layer, err := layout.WriteLayer(context.Background(), r, oci.LayerOptions{})
	if err != nil {
		return v1.Hash{}, fmt.Errorf("making the base of the tests: %w", err)
	}
	return layout.WriteImage(oci.ImageOptions{
		Layers:   []oci.LayerRef{layer.Ref("test")},
		Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
	})
}

func writeBase(w io.Writer, comment string) error {
	out := tar.NewWriter(w)
	// A step's root is read-only: what the container mounts on has to be there.
	for _, dir := range []string{"dev", "proc", "sys", "tmp"} {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return err
		}
	}
	for _, dir := range []string{"bin", "lib", "lib64"} {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: dir, Linkname: "usr/" + dir}); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"usr/bin/gcc": gcc, "etc/comment": comment, "etc/hostname": "", "etc/hosts": "", "etc/resolv.conf": "",
	} {
		if err := writeFile(out, name, []byte(text)); err != nil {
			return err
		}
	}
	files, err := hostFiles()
	if err != nil {
		return err
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			continue
		}
		data, err := os.ReadFile(file)
		if err == nil {
			err = writeFile(out, placeOf(file), data)
		}
		if err != nil {
			return err
		}
	}
	return out.Close()
}

func writeFile(out *tar.Writer, name string, data []byte) error {
	err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(data))})
	if err == nil {
		_, err = out.Write(data)
	}
	return err
}

// placeOf puts /bin and /lib below /usr, where the links of the base lead.
func placeOf(file string) string {
	name := strings.TrimPrefix(file, "/")
	if !strings.HasPrefix(name, "usr/") {
		name = path.Join("usr", name)
	}
	return name
}

var libraryForm = regexp.MustCompile(`(/\S+) \(0x`)

// hostFiles are the programs and the libraries that they load.
func hostFiles() ([]string, error) {
	var files []string
	var errs []error
	for _, name := range programs {
		file, err := exec.LookPath(name)
		errs = append(errs, err)
		files = append(files, file)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	out, err := exec.Command("ldd", files...).Output()
	if err != nil {
		return nil, fmt.Errorf("asking ldd for libraries: %w", err)
	}
	for _, m := range libraryForm.FindAllStringSubmatch(string(out), -1) {
		files = append(files, m[1])
	}
	// Where C.UTF-8 is no locale of libc itself, bash warns of it in every step.
	for _, pattern := range []string{"LC_*[A-Z]", "LC_MESSAGES/*"} {
		locale, err := filepath.Glob("/usr/lib/locale/C.utf8/" + pattern)
		if err != nil {
			return nil, err
		}
		files = append(files, locale...)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}
