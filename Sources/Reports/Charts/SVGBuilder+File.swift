import Foundation

/// Drawings that are files of their own: each element has its colors and sizes, since there is no style sheet.
extension SVGBuilder {
    /// The color of titles and labels.
    static let ink = "#1c1c22"
    /// The color of remarks.
    static let muted = "#5c5c66"

    /// A builder for a file, with one element a line.
    static func file() -> SVGBuilder { SVGBuilder(separator: "\n") }

    /// Adds a text with its own size and color.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - x: The position of its anchor.
    ///   - y: The height of its baseline.
    ///   - size: In pixels.
    ///   - anchor: `start`, `middle` or `end`.
    ///   - fill: The color.
    ///   - weight: Such as `600`; `nil` for a text of usual weight.
    ///   - rotation: In degrees, clockwise around the anchor.
    mutating func text(
        _ text: String, x: Double, y: Double, size: Double, anchor: String = "middle",
        fill: String = SVGBuilder.ink, weight: String? = nil, rotation: Double? = nil
    ) {
        let n = Self.number
        add(
            "text",
            [
                "x": n(x), "y": n(y), "font-size": n(size), "text-anchor": anchor, "fill": fill,
                "font-weight": weight ?? "",
                "transform": rotation.map { "rotate(\(n($0)) \(n(x)) \(n(y)))" } ?? "",
            ], text: text)
    }

    /// Adds a line of a color.
    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, color: String) {
        let n = Self.number
        add("line", ["x1": n(x1), "y1": n(y1), "x2": n(x2), "y2": n(y2), "stroke": color])
    }

    /// The whole file: no scripts, and no fonts but the reader's own.
    ///
    /// - Parameters:
    ///   - title: The title, also for screen readers.
    ///   - width: In pixels.
    ///   - height: In pixels.
    ///   - definitions: Markup of what elements refer to, such as gradients, ending with a line end.
    func file(title: String, width: Double, height: Double, definitions: String = "") -> String {
        let (width, height) = (Self.number(width), Self.number(height))
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" \
            height="\(height)" role="img" aria-label="\(MarkupText.line(title))" \
            font-family="system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif">
            \(definitions)<rect width="100%" height="100%" fill="#ffffff"/>

            """ + body + "</svg>\n"
    }

    /// About how wide a text is in a sans-serif font, by rule of thumb.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - size: Of the font, in pixels.
    static func width(_ text: String, size: Double) -> Double { Double(text.count) * size * 0.58 }
}
