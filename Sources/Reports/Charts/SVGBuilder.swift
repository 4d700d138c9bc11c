import Foundation

/// Puts an SVG element together. Attributes and texts are escaped here and nowhere else.
struct SVGBuilder {
    private(set) var body = ""
    /// The text after each element: none within a page, a line break in a file of its own.
    private let separator: String

    init(separator: String = "") { self.separator = separator }

    /// Adds an element.
    ///
    /// - Parameters:
    ///   - name: The element's name.
    ///   - attributes: In order; values as they are.
    ///   - text: Its contents; `nil` for none.
    ///   - tip: The tooltip; `nil` for none.
    mutating func add(
        _ name: String, _ attributes: KeyValuePairs<String, String>, text: String? = nil, tip: String? = nil
    ) {
        body += Self.opening(name, attributes)
        guard text != nil || tip != nil else {
            body += "/>" + separator
            return
        }
        body += ">"
        if let tip { body += "<title>\(MarkupText.line(tip))</title>" }
        if let text { body += MarkupText.line(text) }
        body += "</\(name)>" + separator
    }

    /// Adds a group of elements with a common tooltip.
    ///
    /// - Parameters:
    ///   - tip: The tooltip of all of them.
    ///   - contents: Adds the elements.
    mutating func group(tip: String, _ contents: (inout SVGBuilder) -> Void) {
        body += "<g><title>\(MarkupText.line(tip))</title>"
        contents(&self)
        body += "</g>" + separator
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String) {
        add(
            "line",
            [
                "class": kind, "x1": Self.number(x1), "y1": Self.number(y1), "x2": Self.number(x2),
                "y2": Self.number(y2),
            ])
    }

    mutating func text(_ text: String, _ x: Double, _ y: Double, anchor: String = "start", kind: String = "")
    {
        add(
            "text",
            ["class": kind, "x": Self.number(x), "y": Self.number(y), "text-anchor": anchor], text: text)
    }

    /// The whole drawing, with a title and a description for screen readers.
    ///
    /// - Parameters:
    ///   - identifier: Unique in the page; its title and description have it with a suffix.
    ///   - title: The drawing's title.
    ///   - description: A description of its contents.
    ///   - size: Width and height in user units.
    func document(identifier: String, title: String, description: String, size: (Double, Double)) -> String {
        let box = "0 0 \(Self.number(size.0)) \(Self.number(size.1))"
        let id = MarkupText.escaped(identifier)
        return "<svg class=\"chart\" viewBox=\"\(box)\" role=\"img\" aria-labelledby=\"\(id)-t \(id)-d\" "
            + "xmlns=\"http://www.w3.org/2000/svg\"><title id=\"\(id)-t\">\(MarkupText.line(title))</title>"
            + "<desc id=\"\(id)-d\">\(MarkupText.line(description))</desc>\(body)</svg>"
    }

    /// A length with at most two decimals; 0 if it is not finite.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? String(format: "%.0f", rounded) : String(format: "%g", rounded)
    }

    private static func opening(_ name: String, _ attributes: KeyValuePairs<String, String>) -> String {
        attributes.reduce("<\(name)") { text, attribute in
            attribute.value.isEmpty
                ? text : "\(text) \(attribute.key)=\"\(MarkupText.line(attribute.value))\""
        }
    }
}

/// Estimated widths and heights of texts in charts: charts are drawn without access to fonts.
enum TextSize {
    /// The height of a line, in user units.
    static let line = 15.0

    /// About the width of a text in the charts' type.
    static func width(_ text: String) -> Double {
        text.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x1100 ? 13 : 7.3) }
    }
}
