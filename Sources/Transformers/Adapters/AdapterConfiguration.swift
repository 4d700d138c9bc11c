import Files
import Foundation

/// What `adapter_config.json` says of adapters, as far as it decides what they compute.
struct AdapterConfiguration {
    /// The file's path.
    let path: String
    /// The base model's directory, or its name on the Hub.
    let base: String
    /// The revision of a model on the Hub.
    let revision: String?
    /// The kind of model that PEFT opens.
    let task: String?
    /// The modules that are trained and saved whole.
    let whole: [String]
    private let alpha: Double
    private let isStable: Bool
    private let rank: Int
    /// Ranks of modules of their own, by names or regular expressions.
    private let ranks: [(name: String, count: Int)]
    private let targets: AdapterModules?
    private let excluded: AdapterModules?
    /// The numbers of the layers that are adapted; `nil` for all.
    private let layers: [Int]?

    /// Reads the description of adapters.
    ///
    /// - Parameter directory: The adapters' directory.
    /// - Throws: ``TransformersError``, which names the field.
    init(_ directory: URL) throws {
        let fields = try AdapterFields(directory.appending(path: AdapterWriter.configurationName))
        path = fields.path
        alpha = try fields.number("lora_alpha")
        guard abs(alpha) <= Double(Float.greatestFiniteMagnitude) else {
            throw fields.wrong("lora_alpha", "a number that is finite in float32")
        }
        isStable = try fields.flag("use_rslora")
        rank = try fields.count("r")
        ranks = try fields.counts("rank_pattern")
        task = try fields.text("task_type")
        revision = try fields.text("revision")
        targets = try fields.modules("target_modules")
        excluded = try fields.modules("exclude_modules")
        layers = try fields.indices("layers_to_transform")
        switch try fields.modules("modules_to_save") {
        case .names(let names): whole = names
        case nil: whole = []
        case .linear, .pattern: throw fields.wrong("modules_to_save", "a list of names")
        }
        guard let base = try fields.text("base_model_name_or_path"), !base.isEmpty else {
            throw TransformersError(
                "\(path): base_model_name_or_path must name the model that the adapters are of")
        }
        self.base = base
    }

    /// The factor of B · A of a rank.
    func scale(rank: Int) -> Double {
        let rank = Double(max(1, rank))
        return alpha / (isStable ? rank.squareRoot() : rank)
    }

    /// The ranks that a module's adapter may have: more than one where `rank_pattern` has regular expressions.
    func ranks(of module: String) -> [Int] {
        if let own = ranks.first(where: { AdapterModules.isName($0.name, of: module) }) { return [own.count] }
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
        return [rank] + ranks.filter { !$0.name.allSatisfy(plain.contains) }.map(\.count)
    }

    /// What rules out an adapter of a module, to be read behind the module's name and "which"; `nil` where it may have one.
    ///
    /// Of a regular expression, and where no target is named, nothing is known.
    func refusal(of module: String) -> String? {
        if case .pattern? = targets { return nil }
        if case .names(let names)? = targets, !Self.names(names, module) {
            return "target_modules (\(path)) does not name"
        }
        if case .names(let names)? = excluded, Self.names(names, module) {
            return "exclude_modules (\(path)) names"
        }
        return isInLayers(module) ? nil : "layers_to_transform (\(path)) leaves out"
    }

    private static func names(_ names: [String], _ module: String) -> Bool {
        names.contains { AdapterModules.isName($0, of: module) }
    }

    private func isInLayers(_ module: String) -> Bool {
        guard let layers else { return true }
        return module.split(separator: ".").contains { part in
            guard let number = Int(part) else { return false }
            return layers.contains(number)
        }
    }

    /// Returns true if a parameter, or what it belongs to, is one of those that are saved whole.
    ///
    /// - Parameters:
    ///   - name: The path of the parameter or the module.
    ///   - module: The name that `modules_to_save` has.
    static func isPart(_ name: String, of module: String) -> Bool { ".\(name).".contains(".\(module).") }

    /// Returns true if a module must be adapted, as far as that is known.
    ///
    /// - Parameters:
    ///   - module: The name of a linear layer.
    ///   - isHead: True for one of the head, which is none of all linear layers, and often trained whole.
    func requires(_ module: String, isHead: Bool) -> Bool {
        guard !whole.contains(where: { Self.isPart(module, of: $0) }) else { return false }
        switch targets {
        case nil, .pattern: return false
        case .linear: guard !isHead else { return false }
        case .names: break
        }
        switch excluded {
        case nil, .names: return refusal(of: module) == nil
        case .linear, .pattern: return false
        }
    }
}
