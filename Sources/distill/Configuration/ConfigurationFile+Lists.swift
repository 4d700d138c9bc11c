import Distillation
import Foundation
import Yams

extension ConfigurationFile {
    /// A setting that is a list, such as the objectives; one element may stand by itself.
    ///
    /// - Parameter parse: Makes an element of its node; its errors get the file's name and the line.
    func list<Element>(_ name: String, _ parse: (Node) throws -> Element) throws -> [Element]? {
        guard let node = node(name) else { return nil }
        let nodes = node.sequence.map(Array.init) ?? [node]
        return try nodes.map { element in
            do { return try parse(element) } catch let error as DistillationError {
                throw UsageError("\(path), line \(element.mark?.line ?? 1): \(error.description)")
            } catch let error as UsageError {
                throw UsageError("\(path), line \(element.mark?.line ?? 1): \(error.description)")
            }
        }
    }
}

extension Node {
    /// The node as the text that the command line would take: lists with commas, pairs with colons.
    var settingText: String? {
        if let text = scalar?.string { return text }
        guard let sequence else { return nil }
        let parts = sequence.map { element -> String? in
            if let pair = element.sequence {
                let sides = pair.compactMap(\.scalar?.string)
                return sides.count == pair.count ? sides.joined(separator: ":") : nil
            }
            return element.scalar?.string
        }
        return parts.contains { $0 == nil } ? nil : parts.compactMap(\.self).joined(separator: ", ")
    }

    /// The entries of a mapping, as names and texts.
    ///
    /// - Parameter what: What the mapping describes, for an error.
    func fields(of what: String) throws -> [(name: String, node: Node)] {
        guard let mapping else { throw UsageError("\(what) must be written as 'name: value' lines") }
        return try mapping.map { key, value in
            guard let name = key.string else { throw UsageError("\(what): a setting's name must be a word") }
            return (name, value)
        }
    }
}

extension ObjectiveSpecification {
    /// An objective from a configuration file: its text, or a mapping with `name`, `weight` and its options.
    init(setting node: Node) throws {
        if let text = node.scalar?.string {
            try self.init(text: text)
            return
        }
        var fields = try node.fields(of: "an objective")
        guard let place = fields.firstIndex(where: { $0.name == "name" }),
            let name = fields.remove(at: place).node.scalar?.string
        else { throw UsageError("an objective has no name; add 'name: kl', or another") }
        try self.init(
            name: name,
            fields: fields.map { field in
                guard let text = field.node.settingText else {
                    throw UsageError("objective \(name): \(field.name) must be a value or a list")
                }
                return (field.name, text)
            })
    }
}

extension TrainingStage {
    private static let settings = [
        "name", "objectives", "num_train_epochs", "epochs", "max_steps", "learning_rate", "lr_scheduler_type",
        "warmup_steps", "warmup_ratio",
    ]

    /// A stage from a configuration file.
    init(setting node: Node) throws {
        self.init(objectives: [])
        for (name, node) in try node.fields(of: "a stage") {
            func value<Value: SettingValue>() throws -> Value {
                guard let value = Value(setting: node) else {
                    throw UsageError("a stage's \(name) must be \(Value.settingDescription)")
                }
                return value
            }
            switch name {
            case "name": self.name = try value()
            case "objectives":
                objectives = try (node.sequence.map(Array.init) ?? [node]).map {
                    try ObjectiveSpecification(setting: $0)
                }
            case "num_train_epochs", "epochs": numTrainEpochs = try value()
            case "max_steps": maxSteps = try value()
            case "learning_rate": learningRate = try value()
            case "lr_scheduler_type": lrSchedulerType = try value()
            case "warmup_steps", "warmup_ratio": warmupSteps = try value()
            default:
                let hint = Suggestion.nearest(to: name, among: Self.settings).map { "did you mean \($0)?" }
                throw UsageError(
                    "a stage has no setting '\(name)'; "
                        + (hint ?? "its settings are \(Self.settings.joined(separator: ", "))"))
            }
        }
    }
}

extension TeacherRequest {
    /// A teacher from a configuration file: its directory, or a mapping with `directory` and `weight`.
    init(setting node: Node) throws {
        if let path = node.scalar?.string {
            self.init(try ModelReference.directory(path))
            return
        }
        var (directory, weight): (String?, Double) = (nil, 1)
        for (name, node) in try node.fields(of: "a teacher") {
            switch name {
            case "directory": directory = node.scalar?.string
            case "weight":
                guard let value = Double(setting: node) else {
                    throw UsageError("a teacher's weight must be \(Double.settingDescription)")
                }
                weight = value
            default: throw UsageError("a teacher has no setting '\(name)'; it has directory and weight")
            }
        }
        guard let directory else { throw UsageError("a teacher has no directory") }
        self.init(try ModelReference.directory(directory), weight: weight)
    }
}
