package apply

// WriteMaintenance closes a project for visitors, as far as the proxy finds it on the disk: it still
// has to be told. A reader finds the file as a whole or not at all.
func (d Dirs) WriteMaintenance(project string, content []byte) error {
	return writeFile(d.maintenance(project), content)
}

// RemoveMaintenance opens it again. A project that is open is no mistake.
func (d Dirs) RemoveMaintenance(project string) error {
	file, err := readFile(d.maintenance(project))
	if file == nil && err == nil {
		return nil
	}
	return removeFile(d.maintenance(project))
}

// InMaintenance says whether a project is closed.
func (d Dirs) InMaintenance(project string) bool {
	file, err := readFile(d.maintenance(project))
	return file != nil || err != nil
}
