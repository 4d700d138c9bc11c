/// Everything that decides a run's weights, bit for bit: its settings, the contents of its files, and the processor.
///
/// A run is resumed only where all of it is the same, and a report that holds it can be run again.
public struct RunIdentity: Sendable, Equatable, Codable {
    /// The command's name.
    public var command: String
    /// The settings by their names in a configuration file, but for those that have their default.
    public var settings: [String: SettingNode]
    /// SHA-256 of the data, and of the models' files, by name.
    public var digests: [String: String]
    /// The program, its libraries and the way in which the processor computes.
    public var machine: [String: String]

    /// The name of the precision that the run computes with.
    static let precision = "the computation's precision"
    /// The name of the number of threads, where it decides the last bits.
    static let threads = "the number of threads"

    /// The settings that say where things are and what is told, not what is learned.
    private static let irrelevant: Set<String> = [
        "train", "validation", "validation_retrieval", "unlabelled", "test", "teacher", "teachers",
        "teacher_weights",
        "teacher_logprobs", "model",
        "student",
        "output", "overwrite", "logging_dir", "report_examples", "license", "language", "datasets",
        "base_model",
        "cache_dir", "data_cache", "teacher_cache", "threads", "save_steps", "save_total_limit",
        "keep_checkpoints",
        "resume",
        // What it is resolved to is compared, with the machine.
        "precision",
    ]

    /// Lists what is different from an earlier run, each as the end of a sentence.
    ///
    /// - Parameter other: The earlier run.
    func differences(from other: RunIdentity) -> [String] {
        guard command == other.command else { return ["it is a run of `distill \(other.command)`"] }
        func text(_ node: SettingNode?) -> String {
            node?.inlineText() ?? node.map { "\($0)" } ?? "its default"
        }
        let settings =
            Self.names(self.settings, other.settings).filter { !Self.irrelevant.contains($0) }
            .filter { text(self.settings[$0]) != text(other.settings[$0]) }
            .map { "\($0) was \(text(other.settings[$0])) and is \(text(self.settings[$0]))" }
            + (weights == other.weights
                ? [] : ["the teachers' weights were \(other.weights) and are \(weights)"])
        return settings + contentDifferences(from: other)
            + Self.names(machine, other.machine).filter {
                // Several processes have another order of sums anyway, and no number of threads of the run.
                $0 == Self.threads && (machine[$0] == nil || other.machine[$0] == nil)
                    ? false : machine[$0] != other.machine[$0]
            }.map { name in
                let earlier = other.machine[name] ?? "not given"
                let remedy = name == Self.precision ? " (--precision \(earlier) takes the same)" : ""
                return "\(name) was \(earlier) and is \(machine[name] ?? "not given")\(remedy)"
            }
    }

    /// The teachers' weights, which are settings of theirs beside their places.
    private var weights: String {
        let all = settings["teachers"]?.list ?? []
        return all.map { teacher in
            teacher.mapping?.first { $0.key.text == "weight" }?.value.text ?? "1.0"
        }.joined(separator: ", ")
    }

    /// Lists the files whose contents are different from an earlier run's, each as the end of a sentence.
    func contentDifferences(from other: RunIdentity) -> [String] {
        Self.names(digests, other.digests).filter { digests[$0] != other.digests[$0] }.map { name in
            guard let own = digests[name] else { return "\(name) was used and is not" }
            guard let theirs = other.digests[name] else { return "\(name) was not used and is" }
            return "\(name) has other contents (SHA-256 \(own.prefix(12))…, it was \(theirs.prefix(12))…)"
        }
    }

    private static func names<Value>(_ one: [String: Value], _ other: [String: Value]) -> [String] {
        Set(one.keys).union(other.keys).sorted()
    }

    public static func == (one: RunIdentity, other: RunIdentity) -> Bool {
        one.differences(from: other).isEmpty
    }
}
