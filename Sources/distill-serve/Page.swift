import HTTPTypes
import Hummingbird
import NIOCore

/// The page on which texts are tried.
enum Page {
    private static let files: [String: (bytes: [UInt8], type: String)] = [
        "page.html": (PackageResources.page_html, "text/html; charset=utf-8"),
        "page.css": (PackageResources.page_css, "text/css; charset=utf-8"),
        "page.js": (PackageResources.page_js, "text/javascript; charset=utf-8"),
    ]

    /// Nothing from elsewhere is loaded, and no other site shows the page in a frame.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    static func response(_ name: String) -> Response {
        guard let file = files[name], let policyName = HTTPField.Name("content-security-policy"),
            let sniffName = HTTPField.Name("x-content-type-options")
        else { return Response(status: .notFound) }
        return Response(
            status: .ok,
            headers: [
                .contentType: file.type, .cacheControl: "no-cache", policyName: policy, sniffName: "nosniff",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }
}
