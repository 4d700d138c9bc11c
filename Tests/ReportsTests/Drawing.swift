import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// An SVG drawing as an XML parser reads it.
final class Drawing: NSObject, XMLParserDelegate {
    struct Element {
        var name: String
        var attributes: [String: String]
        var text = ""

        func number(_ name: String) -> Double? { attributes[name].flatMap(Double.init) }
        var classes: [Substring] { attributes["class"]?.split(separator: " ") ?? [] }
    }

    private(set) var elements: [Element] = []
    private var open: [Int] = []
    private(set) var isWellFormed = false

    init(_ svg: String) {
        super.init()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = self
        isWellFormed = parser.parse()
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(elements.count)
        elements.append(Element(name: name, attributes: attributes))
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        if let last = open.last { elements[last].text += text }
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) { open.removeLast() }

    func all(_ name: String, _ kind: String? = nil) -> [Element] {
        elements.filter { $0.name == name && (kind == nil || $0.classes.contains(Substring(kind ?? ""))) }
    }

    var texts: [String] { all("text").map(\.text) }

    /// Width and height of the drawing.
    var size: (width: Double, height: Double) {
        let box = elements.first?.attributes["viewBox"]?.split(separator: " ").compactMap { Double($0) } ?? []
        return box.count == 4 ? (box[2], box[3]) : (0, 0)
    }

    /// Every place that something is drawn at: corners, centres, ends, points of paths.
    var places: [(x: Double, y: Double)] {
        elements.flatMap { element -> [(x: Double, y: Double)] in
            func n(_ name: String) -> Double { element.number(name) ?? .nan }
            switch element.name {
            case "rect": return [(n("x"), n("y")), (n("x") + n("width"), n("y") + n("height"))]
            case "circle": return [(n("cx"), n("cy"))]
            case "line": return [(n("x1"), n("y1")), (n("x2"), n("y2"))]
            case "path", "polygon":
                let text = element.attributes[element.name == "path" ? "d" : "points"] ?? ""
                let numbers = text.split { !"0123456789.-e".contains($0) }.map { Double($0) ?? .nan }
                return stride(from: 0, to: numbers.count - 1, by: 2).map { (numbers[$0], numbers[$0 + 1]) }
            default: return []
            }
        }
    }

    /// Places that are no numbers, or lie outside of the drawing.
    var strays: [(x: Double, y: Double)] {
        let (width, height) = size
        return places.filter { !((-1)...(width + 1)).contains($0.x) || !((-1)...(height + 1)).contains($0.y) }
    }
}
