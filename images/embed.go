package images

import (
	"embed"
	"io/fs"
	"path"
)

//go:embed */target.yaml initramfs
var embedded embed.FS

// Embedded returns the targets of the project: NAME/target.yaml each.
func Embedded() fs.FS { return embedded }

// Names returns the names of the embedded targets, sorted.
func Names() []string {
	files, err := fs.Glob(embedded, "*/target.yaml")
	if err != nil {
		panic("internal error: " + err.Error())
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = path.Dir(file)
	}
	return names
}
