import Architectures
import Files
import Foundation
import JSON

/// The labels of a classifier whose adapters are saved by themselves: the base model has others, or none.
struct AdapterLabels {
    let names: [String]
    let task: TaskIdentifier
    private let path: String

    private static let tasks = TaskIdentifier.allCases.filter {
        TaskIdentifier.labeledTasks.contains($0) || $0.classifiesSequences
    }

    init(_ configuration: ModelConfiguration) {
        (names, task, path) = (configuration.labelNames, configuration.task, configuration.source)
    }

    /// Reads them; `nil` where there is no such file, as beside adapters that PEFT saved.
    ///
    /// - Throws: ``TransformersError``, which names the field; `JSONError`.
    init?(contentsOf file: URL) throws {
        guard file.fileExists else { return nil }
        path = file.plainPath
        let value = try JSONValue.load(contentsOf: file).objectValue ?? JSONObject()
        guard let map = value["id2label"]?.objectValue, !map.isEmpty else {
            throw TransformersError("\(path): \"id2label\" must be an object of names by number")
        }
        let place = path
        names = try (0..<map.count).map { number in
            guard let name = map[String(number)]?.stringValue else {
                throw TransformersError(
                    "\(place): \"id2label\" has no name for \(number); it must name 0 to \(map.count - 1)")
            }
            return name
        }
        guard let task = value["task"]?.stringValue.flatMap(TaskIdentifier.init(rawValue:)),
            Self.tasks.contains(task)
        else {
            throw TransformersError(
                "\(path): \"task\" must be one of \(Self.tasks.map(\.rawValue).joined(separator: ", "))")
        }
        self.task = task
    }

    func write(to file: URL) throws {
        let labels = JSONObject(names.enumerated().map { (String($0), .string($1)) })
        let json = JSONValue.object(
            JSONObject([("id2label", .object(labels)), ("task", .string(task.rawValue))]))
        try AtomicFile.write(json.serialized(pretty: true) + "\n", to: file)
    }

    /// - Throws: ``TransformersError`` where a classifier has another number of rows.
    func require(classes: Int, _ weights: String) throws {
        guard names.count == classes else {
            throw TransformersError(
                "\(path): names \(names.count) labels, and the classifier in \(weights) has \(classes) rows; copy the file that "
                    + "was written with these adapters")
        }
    }
}
