package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Confirm asks on a terminal until the answer is yes or no. No answer is a no, an
// empty one is a yes.
func Confirm(ctx context.Context, question string, terminal *os.File, s Streams) (bool, error) {
	for {
		fmt.Fprint(s.Err, question)
		line, err := readLine(ctx, terminal)
		if err != nil {
			return false, fmt.Errorf("reading the answer: %w", err)
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		case "":
			return line != "", nil
		}
	}
}

// readLine reads what a terminal has once a line is complete, and "" at its end.
// A read would not see that ctx ends, so it comes when there is something.
func readLine(ctx context.Context, terminal *os.File) (string, error) {
	const look = 100 // milliseconds
	fds := []unix.PollFd{{Fd: int32(terminal.Fd()), Events: unix.POLLIN}}
	for ctx.Err() == nil {
		n, err := unix.Poll(fds, look)
		if errors.Is(err, unix.EINTR) || (err == nil && n == 0) {
			continue
		}
		if err != nil {
			return "", err
		}
		line := make([]byte, 256)
		n, err = unix.Read(int(terminal.Fd()), line)
		if err != nil {
			return "", err
		}
		return string(line[:n]), nil
	}
	return "", ctx.Err()
}
