package static

import (
	"mime"
	"path"
	"strings"
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
	".gz":          "application/gzip",
	".tgz":         "application/gzip",
	".zst":         "application/zstd",
	".avif":        "image/avif",
	".bmp":         "image/bmp",
	".gif":         "image/gif",
	".ico":         "image/x-icon",
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

// runsScript says whether a browser would run what is in a document of this type in our origin.
func runsScript(mimeType string) bool {
	kind, _, _ := strings.Cut(mimeType, ";")
	return kind == "text/html" || strings.HasSuffix(kind, "/xml") || strings.HasSuffix(kind, "+xml") ||
		strings.HasSuffix(kind, "/xsl")
}
