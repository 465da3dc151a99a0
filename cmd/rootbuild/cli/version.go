package cli

import "runtime/debug"

// version is set when the program is linked; see the Makefile.
var version = ""

// Version is that of this program.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "(unknown)"
}
