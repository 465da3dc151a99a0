package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set when the program is linked; see the Makefile.
var version = ""

type versionVerb struct{ noFlags }

func (versionVerb) run(_ context.Context, _ []string, s streams) error {
	_, err := fmt.Fprintf(s.out, "rootbuild %s\ngo        %s\nbuildkit  %s\n", ownVersion(), runtime.Version(), moduleVersion("github.com/moby/buildkit"))
	return err
}

func ownVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "(unknown)"
}

// moduleVersion is the version of a library that this program was linked with.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "(unknown)"
}
