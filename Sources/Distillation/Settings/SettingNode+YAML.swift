import Foundation
import Yams

extension SettingNode {
    /// A node of a YAML document, with its style and its line.
    init(_ node: Node) {
        if let scalar = node.scalar {
            self.init(
                .scalar(scalar.string, ScalarStyle(rawValue: scalar.style.rawValue) ?? .any),
                line: node.mark?.line)
        } else if let sequence = node.sequence {
            self.init(
                .list(sequence.map { SettingNode($0) }, isFlow: sequence.style == .flow),
                line: node.mark?.line)
        } else {
            let pairs = node.mapping?.map { (key: SettingNode($0.key), value: SettingNode($0.value)) }
            self.init(
                .mapping(pairs ?? [], isFlow: node.mapping?.style == .flow), line: node.mark?.line)
        }
    }

    /// The node of a YAML document.
    var yaml: Node {
        switch content {
        case .scalar(let text, let style):
            .scalar(Node.Scalar(text, .implicit, Node.Scalar.Style(rawValue: style.rawValue) ?? .any))
        case .list(let nodes, let isFlow):
            .sequence(Node.Sequence(nodes.map(\.yaml), .implicit, isFlow ? .flow : .any))
        case .mapping(let pairs, let isFlow):
            .mapping(
                Node.Mapping(
                    pairs.map { ($0.key.yaml, $0.value.yaml) }, .implicit, isFlow ? .flow : .any))
        }
    }

    /// The node with its lists on one line.
    var inFlow: SettingNode {
        guard let list else { return self }
        return SettingNode(.list(list.map(\.inFlow), isFlow: true), line: line)
    }

    /// The YAML of the node by itself.
    func serialized() throws -> String { try Yams.serialize(node: yaml) }

    // MARK: - Single values

    /// The value that a text represents: a scalar, or a list in brackets.
    ///
    /// - Parameter text: The text as it may follow a setting's name in a file.
    package init(parsing text: String) {
        // `a: b` is a mapping in YAML, but a setting's value is not a mapping: then it is meant as a text.
        guard let node = try? Yams.compose(yaml: text), node.scalar != nil || node.sequence != nil else {
            self.init(text)
            return
        }
        self.init(node)
        line = nil
    }

    /// The value on one line, as it may be written in a file: texts without quotes where they mean the same without.
    ///
    /// - Returns: `nil` for a mapping, or a list that holds anything but values.
    package func inlineText(inList: Bool = false) -> String? {
        if let text {
            let isSafe = !inList || !text.contains(where: { ",[]{}".contains($0) })
            if isSafe, let read = try? Yams.compose(yaml: text), read.scalar?.string == text { return text }
            return quotedText
        }
        guard let list else { return nil }
        let items = list.map { $0.inlineText(inList: true) }
        return items.contains(nil) ? nil : "[" + items.compactMap(\.self).joined(separator: ", ") + "]"
    }

    /// The text of a scalar in double quotes, on one line.
    package var quotedText: String? {
        guard let text else { return nil }
        let node = Node.scalar(Node.Scalar(text, .implicit, .doubleQuoted))
        return (try? Yams.serialize(node: node, width: -1, allowUnicode: true))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
