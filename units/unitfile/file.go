// Package unitfile knows the syntax of systemd unit files: it quotes, writes and reads them back.
// Which directives a project needs is left to units.
package unitfile

// File is one generated unit file.
type File struct {
	Name    string // the unit's full name, for example "sandwich-client-x.service"
	Content string // the whole text, header and hash included
}
