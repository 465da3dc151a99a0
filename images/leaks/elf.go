package leaks

import (
	"bytes"
	"debug/elf"
	"path"
	"slices"
	"strings"
)

// runPath is what an ELF file tells the loader of where its libraries are.
type runPath struct {
	file  string
	dirs  []string
	wants []string // names of libraries
}

// readRunPath returns the run path of an ELF file, if it has one.
func readRunPath(name string, content []byte) (runPath, bool) {
	if !bytes.HasPrefix(content, []byte(elf.ELFMAG)) {
		return runPath{}, false
	}
	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return runPath{}, false
	}
	r := runPath{file: name}
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		values, err := file.DynString(tag)
		if err != nil {
			return runPath{}, false
		}
		for _, v := range values {
			r.dirs = append(r.dirs, strings.Split(v, ":")...)
		}
	}
	r.wants, err = file.ImportedLibraries()
	return r, err == nil && len(r.dirs) > 0
}

// searched are the directories in which every loader looks.
var searched = []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64"}

// needs reports whether a directory has a library that the loader finds nowhere
// else. One relative to the file itself says nothing of the build.
func (r runPath) needs(dir string, files map[string]bool) bool {
	if strings.HasPrefix(dir, "$ORIGIN") || strings.HasPrefix(dir, "${ORIGIN}") {
		return true
	}
	dir = path.Clean("/" + dir)
	return !slices.Contains(searched, dir) && slices.ContainsFunc(r.wants, func(library string) bool {
		return files[strings.TrimPrefix(path.Join(dir, library), "/")]
	})
}
