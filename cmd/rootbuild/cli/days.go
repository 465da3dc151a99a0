package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Day is one of 24 hours.
const Day = 24 * time.Hour

// Days is a time as the value of a flag, in days or as Go writes it.
type Days time.Duration

// String returns what was set, in days where they are whole.
func (d *Days) String() string {
	if t := time.Duration(*d); t%Day == 0 {
		return fmt.Sprintf("%dd", t/Day)
	}
	return time.Duration(*d).String()
}

// Set takes a time such as 7d or 12h.
func (d *Days) Set(text string) error {
	t, err := parseDays(text)
	if err != nil || t < 0 {
		return errors.New("it is a time such as 7d or 12h")
	}
	*d = Days(t)
	return nil
}

// Type tells in the help what Set takes.
func (d *Days) Type() string { return "time" }

func parseDays(text string) (time.Duration, error) {
	if n, ok := strings.CutSuffix(text, "d"); ok {
		count, err := strconv.ParseUint(n, 10, 16)
		return time.Duration(count) * Day, err
	}
	return time.ParseDuration(text)
}
