import Distillation
import Foundation
import Torch
import Transformers
import Yams

/// A type that a configuration file can give.
protocol SettingValue {
    /// What a value must be, for an error: "a number".
    static var settingDescription: String { get }
    init?(setting node: Node)
}

extension String: SettingValue {
    static var settingDescription: String { "a text" }
    init?(setting node: Node) {
        guard let text = node.scalar?.string else { return nil }
        self = text
    }
}

extension Int: SettingValue {
    static var settingDescription: String { "a whole number" }
    init?(setting node: Node) {
        guard let value = node.scalar.flatMap({ Int($0.string) }) else { return nil }
        self = value
    }
}

extension UInt64: SettingValue {
    static var settingDescription: String { "a whole number of 0 or more" }
    init?(setting node: Node) {
        guard let value = node.scalar.flatMap({ UInt64($0.string) }) else { return nil }
        self = value
    }
}

extension Double: SettingValue {
    static var settingDescription: String { "a number" }
    init?(setting node: Node) {
        // Not YAML's own idea of a number, by which 5e-5 is a text.
        guard let value = node.scalar.flatMap({ Double($0.string) }) else { return nil }
        self = value
    }
}

extension Bool: SettingValue {
    static var settingDescription: String { "true or false" }
    init?(setting node: Node) {
        guard let value = node.bool else { return nil }
        self = value
    }
}

/// A value that a configuration file can give a list of.
protocol SettingElement: SettingValue {
    static var listDescription: String { get }
    /// The list that a text in the place of a list means.
    static func list(from text: String) -> [Self]?
}

extension Array: SettingValue where Element: SettingElement {
    static var settingDescription: String { Element.listDescription }
    init?(setting node: Node) {
        if let text = node.scalar?.string {
            guard let list = Element.list(from: text) else { return nil }
            self = list
            return
        }
        guard let nodes = node.sequence else { return nil }
        let values = nodes.compactMap { Element(setting: $0) }
        guard values.count == nodes.count else { return nil }
        self = values
    }
}

extension Int: SettingElement {
    static var listDescription: String { "a list of whole numbers, such as [0, 2, 4]" }
    static func list(from text: String) -> [Int]? { [Int](commaSeparated: text) }
}

extension String: SettingElement {
    static var listDescription: String { "a text, or a list of texts, such as [a.csv, b.csv]" }
    static func list(from text: String) -> [String]? { [text] }
}

extension [Int] {
    /// "0,2,4" → [0, 2, 4].
    init?(commaSeparated text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let values = parts.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        guard !values.isEmpty, values.count == parts.count else { return nil }
        self = values
    }
}

extension Schedule: SettingValue {
    static var settingDescription: String { "a number, linear(a, b), cosine(a, b) or step(a, b @ share, …)" }
    init?(setting node: Node) {
        guard let schedule = node.scalar.flatMap({ Schedule($0.string) }) else { return nil }
        self = schedule
    }
}

extension SettingValue where Self: RawRepresentable & CaseIterable, RawValue == String {
    static var settingDescription: String {
        "one of " + allCases.map(\.rawValue).joined(separator: ", ")
    }
    init?(setting node: Node) {
        guard let value = node.scalar.flatMap({ Self(rawValue: $0.string) }) else { return nil }
        self = value
    }
}

extension LearningRateSchedule.Decay: SettingValue {}
extension Precision: SettingValue {}
extension TaskIdentifier: SettingValue {}
extension StudentOptions.Initialization: SettingValue {}
extension TeacherCombination: SettingValue {}
