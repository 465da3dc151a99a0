package boot

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// readOnly looks at the node's mounts when all else was asked.
func (b *boot) readOnly(ctx context.Context) (string, error) {
	ctx, cancel := within(ctx, statusLimit)
	defer cancel()
	mounts, err := b.node.run(ctx, "cat /proc/mounts")
	if err != nil {
		return "", err
	}
	return rootReadOnly(mounts)
}

// rootReadOnly finds / in the text of /proc/mounts; what was mounted last hides the rest.
func rootReadOnly(mounts string) (string, error) {
	var root []string
	for line := range strings.Lines(mounts) {
		if f := strings.Fields(line); len(f) >= 4 && f[1] == "/" {
			root = f
		}
	}
	switch {
	case root == nil:
		return "", errors.New("/proc/mounts does not name /")
	case !strings.HasPrefix(root[2], "nfs"):
		return "", fmt.Errorf("/ is %s, not NFS", root[2])
	case !strings.HasPrefix(root[3]+",", "ro,"):
		return "", fmt.Errorf("%s is mounted %s", root[0], root[3])
	}
	return root[0] + " " + root[2], nil
}
