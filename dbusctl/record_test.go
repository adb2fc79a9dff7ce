package dbusctl

import (
	"slices"
	"testing"
	"time"
)

func TestRecordsTellRunsApart(t *testing.T) {
	out := `{"__REALTIME_TIMESTAMP":"1000000","_PID":"1","INVOCATION_ID":"a","_SYSTEMD_INVOCATION_ID":"init","MESSAGE":"Starting"}
{"__REALTIME_TIMESTAMP":"2000000","_PID":"7","_SYSTEMD_INVOCATION_ID":"a","INVOCATION_ID":"forged","MESSAGE":"text"}
{"__REALTIME_TIMESTAMP":"3000000","_PID":"7","_SYSTEMD_INVOCATION_ID":"a","MESSAGE":[104,105,255]}
{"__REALTIME_TIMESTAMP":"4000000","_PID":"7","_SYSTEMD_INVOCATION_ID":"a","MESSAGE":null}
garbage
`
	want := []Record{
		{time.Unix(1, 0), "a", "Starting"}, {time.Unix(2, 0), "a", "text"}, {time.Unix(3, 0), "a", "hi\uFFFD"}, {time.Unix(4, 0), "a", ""},
	}
	if got := readRecords([]byte(out)); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}
