package static

import (
	"mime"
	"path"
	"strings"

	"sandwich/proxy/compress"
)

// types comes before the host's own MIME table, which differs between distributions and may say
// anything. Text is UTF-8, as Django writes it.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".csv":         "text/csv; charset=utf-8",
	".htm":         "text/html; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ics":         "text/calendar; charset=utf-8",
	".js":          "text/javascript; charset=utf-8", // RFC 9239
	".md":          "text/markdown; charset=utf-8",
	".mjs":         "text/javascript; charset=utf-8",
	".txt":         "text/plain; charset=utf-8",
	".vtt":         "text/vtt; charset=utf-8",
	".atom":        "application/atom+xml",
	".rss":         "application/rss+xml",
	".xhtml":       "application/xhtml+xml",
	".xml":         "text/xml; charset=utf-8",
	".xsl":         "text/xml; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".geojson":     "application/geo+json",
	".webmanifest": "application/manifest+json",
	".wasm":        "application/wasm",
	".pdf":         "application/pdf",
	".zip":         "application/zip",
	".7z":          "application/x-7z-compressed",
	".bz2":         "application/x-bzip2",
	".xz":          "application/x-xz",
	".rar":         "application/vnd.rar",
	".epub":        "application/epub+zip",
	".rtf":         "application/rtf",
	".doc":         "application/msword",
	".docx":        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xls":         "application/vnd.ms-excel",
	".xlsx":        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".ppt":         "application/vnd.ms-powerpoint",
	".pptx":        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":         "application/vnd.oasis.opendocument.text",
	".ods":         "application/vnd.oasis.opendocument.spreadsheet",
	".odp":         "application/vnd.oasis.opendocument.presentation",
	".yaml":        "application/yaml", // RFC 9512
	".yml":         "application/yaml",
	".m3u8":        "application/vnd.apple.mpegurl",
	".gz":          "application/gzip",
	".tgz":         "application/gzip",
	".zst":         "application/zstd",
	".avif":        "image/avif",
	".bmp":         "image/bmp",
	".gif":         "image/gif",
	".ico":         "image/x-icon",
	".heic":        "image/heic",
	".jxl":         "image/jxl",
	".jpeg":        "image/jpeg",
	".jpg":         "image/jpeg",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".svgz":        "image/svg+xml",
	".tif":         "image/tiff",
	".tiff":        "image/tiff",
	".webp":        "image/webp",
	".aac":         "audio/aac",
	".flac":        "audio/flac",
	".m4a":         "audio/mp4",
	".mp3":         "audio/mpeg",
	".oga":         "audio/ogg",
	".ogg":         "audio/ogg",
	".opus":        "audio/ogg",
	".wav":         "audio/wav",
	".m4v":         "video/mp4",
	".mov":         "video/quicktime",
	".mp4":         "video/mp4",
	".ogv":         "video/ogg",
	".webm":        "video/webm",
	".eot":         "application/vnd.ms-fontobject",
	".otf":         "font/otf",
	".ttf":         "font/ttf",
	".woff":        "font/woff",
	".woff2":       "font/woff2",
}

// typeOf never guesses from the content: an upload must not choose its own type.
func typeOf(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t, ok := types[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

// isCompressed says whether files of a type are compressed by what they are: there is no use in looking
// for another form of them.
func isCompressed(mimeType string) bool {
	kind, _, _ := strings.Cut(mimeType, "/")
	switch kind {
	case "audio", "video":
		return true
	case "image", "font":
		return !compress.Text(mimeType)
	}
	return packed[mimeType]
}

var packed = map[string]bool{"application/zip": true, "application/gzip": true, "application/zstd": true, "application/pdf": true,
	"application/x-7z-compressed": true, "application/x-bzip2": true, "application/x-xz": true, "application/vnd.rar": true, "application/epub+zip": true}
