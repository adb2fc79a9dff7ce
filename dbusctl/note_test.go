package dbusctl

import "testing"

func TestAValueOfANoteEndsNoField(t *testing.T) {
	got := string(note("one\ntwo", map[string]string{"SANDWICH_PROJECT": "x", "SANDWICH_BY": "eve\nPRIORITY=0"}))
	want := "MESSAGE=one two\nPRIORITY=5\nSYSLOG_IDENTIFIER=sandwich\nSANDWICH_BY=eve PRIORITY=0\nSANDWICH_PROJECT=x\n"
	if got != want {
		t.Errorf("%q", got)
	}
}
