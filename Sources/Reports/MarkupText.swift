import Foundation
import Mustache

/// Text that comes from data, escaped for HTML and SVG.
///
/// Escaping goes by Unicode scalar, not by `Character`: `"\u{0600}<"` is a single character whose `<` a comparison of
/// characters would overlook.
enum MarkupText {
    /// Escapes text for element contents and for attribute values in quotes of either kind.
    ///
    /// Control characters are shown by Unicode's control pictures (tabs and line ends stay); what a document may not hold
    /// becomes U+FFFD.
    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x26: result += "&amp;"
            case 0x3C: result += "&lt;"
            case 0x3E: result += "&gt;"
            case 0x22: result += "&quot;"
            case 0x27: result += "&#39;"
            case 0x0D: result += "\n"
            case 0x09, 0x0A: result.unicodeScalars.append(scalar)
            case 0x00..<0x20:
                result.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value) ?? "\u{FFFD}")
            case 0x7F: result += "\u{2421}"
            case 0x80..<0xA0: result += "\u{FFFD}"
            case let value where value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(value):
                result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Escaped text on one line, as charts hold it.
    static func line(_ text: String) -> String {
        escaped(text).replacing("\n", with: " ").replacing("\t", with: " ")
    }

    /// Text cut to a number of characters, with an ellipsis where it was cut.
    static func shortened(_ text: String, _ limit: Int) -> String {
        text.count <= limit ? text : String(text.prefix(max(1, limit - 1))) + "…"
    }
}

/// The escaping that the page's template applies to inserted text.
struct MarkupContent: MustacheContentType {
    func escapeText(_ text: String) -> String { MarkupText.escaped(text) }
}
