package packages

import "testing"

// Bound has packages be refused that are larger, in bytes, for as long as a test runs.
func Bound(t *testing.T, packed, unpacked int64) {
	before := [2]int64{maxPacked, maxUnpacked}
	maxPacked, maxUnpacked = packed, unpacked
	t.Cleanup(func() { maxPacked, maxUnpacked = before[0], before[1] })
}
