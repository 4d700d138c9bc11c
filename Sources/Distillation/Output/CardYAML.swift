import Foundation
import Yams

/// The nodes of a model card's metadata, written so that YAML 1.1 and 1.2 read the same.
enum CardYAML {
    /// A text, in quotes unless it can be taken for nothing but a text.
    static func text(_ text: String) -> Node {
        let isPlain = text.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_.\/-]*( [A-Za-z0-9_.\/-]+)*/) != nil
        let isWord = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"].contains(text.lowercased())
        let isNumber = text.wholeMatch(of: /[._A-Za-z]*\.?(inf|nan)/.ignoresCase()) != nil
        return .scalar(Node.Scalar(text, .implicit, isPlain && !isWord && !isNumber ? .plain : .doubleQuoted))
    }

    /// A number as a float, not as one of YAML's other readings.
    static func number(_ value: Double) -> Node {
        plain(String(format: abs(value) >= 1e-4 || value == 0 ? "%.6f" : "%.6e", value))
    }

    static var no: Node { plain("false") }

    /// A list, one entry a line.
    static func list(_ nodes: [Node]) -> Node { .sequence(Node.Sequence(nodes, .implicit, .block)) }

    /// A mapping in the order given, one entry a line.
    static func mapping(_ pairs: [(String, Node)]) -> Node {
        .mapping(Node.Mapping(pairs.map { (text($0.0), $0.1) }, .implicit, .block))
    }

    /// A node as lines of a file.
    static func lines(_ node: Node) throws -> String {
        try Yams.serialize(node: node, width: -1, allowUnicode: true)
    }

    private static func plain(_ text: String) -> Node { .scalar(Node.Scalar(text, .implicit, .plain)) }
}
