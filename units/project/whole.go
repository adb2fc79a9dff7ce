package project

import (
	"strings"
)

// whole checks what holds between settings, once everything has been read.
func (d *decoder) whole() {
	d.wholeProxy()
	d.wholeStatics()
	d.wholeInternals()
	d.wholeRedirects()
	d.wholeSettings()
	d.wholeParts()
	d.wholeTLS()
}

// wholeSettings keeps one answer to which settings module it is.
func (d *decoder) wholeSettings() {
	stated, other := d.p.Settings, d.p.Environment[settingsVariable]
	if other == "" {
		return
	}
	at := d.source.At(element("environment", settingsVariable))
	clean, f := module(d, other)
	switch {
	case f != nil:
		d.refuse(at, "Invalid value for environment", quote(other)+" "+f.why+". "+f.remedy)
	case stated != "" && stated != clean:
		d.refuse(at, "The settings module is stated twice", "settings says "+quote(stated)+", this says "+quote(clean)+". Keep settings only.")
	default:
		d.p.Settings = clean
	}
}

// settingsVariable is how Django is told its settings module.
const settingsVariable = "DJANGO_SETTINGS_MODULE"

// sentence is an error's text as a sentence.
func sentence(err error) string {
	s := err.Error()
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
