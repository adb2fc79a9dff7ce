package route_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"sandwich/proxy/route"
)

func TestMaintenanceSurvivesItsFile(t *testing.T) {
	m := &route.Maintenance{Version: 1, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), RetryS: 60, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	data, err := route.EncodeMaintenance(m)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := route.DecodeMaintenance(data); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("decoded %+v, %v", got, err)
	}
	for _, wrong := range []*route.Maintenance{{}, {Version: 1, RetryS: -1}, {Version: 1, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/8")}}} {
		if _, err := route.EncodeMaintenance(wrong); err == nil {
			t.Errorf("%+v is encoded", wrong)
		}
	}
}
