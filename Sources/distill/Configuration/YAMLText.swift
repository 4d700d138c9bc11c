import Foundation
import Yams

/// Single values as they stand in YAML.
enum YAMLText {
    /// A value on one line, as a file may hold it: texts without quotes where they mean the same without.
    ///
    /// - Returns: `nil` for a mapping, or a list that holds something else than values.
    static func text(_ node: Node, inList: Bool = false) -> String? {
        if let scalar = node.scalar {
            let plain = scalar.string
            let isSafe = !inList || !plain.contains(where: { ",[]{}".contains($0) })
            if isSafe, let read = try? Yams.compose(yaml: plain), read.scalar?.string == plain {
                return plain
            }
            return quoted(scalar)
        }
        guard let sequence = node.sequence else { return nil }
        let items = sequence.map { text($0, inList: true) }
        return items.contains(nil) ? nil : "[" + items.compactMap(\.self).joined(separator: ", ") + "]"
    }

    /// A text in double quotes, on one line.
    static func quoted(_ scalar: Node.Scalar) -> String? {
        var quoted = scalar
        quoted.style = .doubleQuoted
        let text = try? Yams.serialize(node: .scalar(quoted), width: -1, allowUnicode: true)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A list on one line.
    static func inFlow(_ node: Node) -> Node {
        guard let sequence = node.sequence else { return node }
        return .sequence(Node.Sequence(sequence.map(inFlow), .implicit, .flow))
    }

    /// The value that a text stands for.
    static func node(_ text: String) -> Node {
        // `a: b` is a mapping in YAML, but a setting's value is none: then it is meant as a text.
        guard let node = try? Yams.compose(yaml: text), node.scalar != nil || node.sequence != nil else {
            return Node(text)
        }
        return node
    }
}
