import Foundation
import Torch
import Transformers

extension LoRAOptions {
    /// The options of settings; `nil` where there is no rank.
    ///
    /// - Throws: ``SettingsError`` for options without a rank.
    init?(_ reader: SettingsReader) throws {
        let rank = try reader.value("lora_rank", as: Int.self)
        let alpha = try reader.value("lora_alpha", as: Double.self)
        let targets = try reader.value("lora_targets", as: [String].self)
        let dropout = try reader.value("lora_dropout", as: Double.self)
        let isStable = try reader.value("use_rslora", as: Bool.self)
        let save = try reader.value("lora_save", as: Save.self)
        guard let rank else {
            for (name, isGiven) in [
                ("lora_alpha", alpha != nil), ("lora_targets", targets != nil),
                ("lora_dropout", dropout != nil),
                ("use_rslora", isStable == true), ("lora_save", save != nil),
            ] where isGiven {
                throw SettingsError(
                    "\(name) is of low-rank adapters, for which lora_rank is missing; give --lora-rank, such as 16"
                )
            }
            return nil
        }
        self.init(rank: rank, alpha: alpha)
        if let targets {
            self.targets = targets.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map
            {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
        self.dropout = dropout ?? 0
        useRslora = isStable ?? false
        self.save = save ?? .merged
    }

    /// Writes the options as settings, from which ``init(_:)`` reads them.
    func write(to settings: inout Settings) {
        settings.override("lora_rank", rank)
        settings.override("lora_alpha", alpha)
        settings.override("lora_targets", targets)
        settings.override("lora_dropout", dropout)
        settings.override("use_rslora", useRslora)
        settings.override("lora_save", save)
    }

    /// - Throws: ``DistillationError`` that names the setting.
    func validate() throws {
        func require(_ holds: Bool, _ name: String, _ rule: String, _ value: Any) throws {
            guard holds else { throw DistillationError("\(name) must be \(rule), got \(value)") }
        }
        try require((1...Self.mostRank).contains(rank), "lora_rank", "from 1 to \(Self.mostRank)", rank)
        try require(alpha > 0 && alpha.isFinite, "lora_alpha", "above 0", alpha)
        try require((0..<1).contains(dropout), "lora_dropout", "in 0 ..< 1", dropout)
        let isWhole = targets == [Self.allLinear] || !targets.contains(Self.allLinear)
        try require(
            !targets.isEmpty && !targets.contains("") && isWhole, "lora_targets",
            "names of linear layers, or \(Self.allLinear) alone", targets.joined(separator: ","))
    }

    /// Checks that adapters that are saved by themselves are of a model that PEFT opens.
    ///
    /// - Parameter base: The model's directory; `nil` for a student that is made of its teacher.
    /// - Throws: ``DistillationError`` where they are of none.
    func requireBase(_ base: URL?) throws {
        guard save == .adapter else { return }
        guard let base else {
            throw DistillationError(
                "lora_save adapter: the adapters would be of a student that is made of its teacher and saved nowhere; name a model with "
                    + "--student, or leave --lora-save out")
        }
        guard !MergedAdapter.isMerged(base) else {
            let adapters = MergedAdapter.sources(of: base).first?.path ?? "PEFT's adapters"
            throw DistillationError(
                "lora_save adapter: the model that is trained is that of \(adapters), merged in the cache (\(base.path)), from which it "
                    + "is pruned some day, so that the new adapters would lose their base; leave --lora-save adapter out, or copy "
                    + "the merged model to a directory of your own and start from that")
        }
        guard !AutoModel.isGGUF(base) else {
            throw DistillationError(
                "lora_save adapter: \(base.path) is a GGUF file, to which PEFT adds no adapters; give the model as a directory, or leave "
                    + "--lora-save out")
        }
    }

    /// The largest rank: what is above is no low rank of any model here.
    private static let mostRank = 4096

    /// A hook that drops what adapters read; `nil` where they drop nothing.
    var hook: LowRankDropout? { dropout > 0 ? LowRankDropout(probability: dropout) : nil }
}

extension LoRAOptions.Save: SettingValue {}
