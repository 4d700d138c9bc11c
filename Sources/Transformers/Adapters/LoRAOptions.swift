/// The options of low-rank adapters, named as in PEFT's `LoraConfig`.
public struct LoRAOptions: Sendable, Equatable, Codable {
    /// The rank of the matrices that are added to weights.
    public var rank: Int
    /// The factor of what is added is alpha / rank.
    public var alpha: Double
    /// The layers that are adapted: their names, or the ends of these; `all-linear` for all but the head.
    public var targets = [allLinear]
    /// The fraction of an adapter's inputs that is dropped in training.
    public var dropout = 0.0
    /// True if the factor is alpha / √rank (rank-stabilized LoRA; Kalajdzievski, arXiv 2312.03732).
    public var useRslora = false
    /// What is saved.
    public var save = Save.merged

    /// The target that stands for all linear layers but the head's.
    public static let allLinear = "all-linear"

    /// What of adapters is saved.
    public enum Save: String, CaseIterable, Sendable, Codable {
        /// The model with its adapters merged.
        case merged
        /// The adapters in PEFT's files too, in the folder `adapter`.
        case adapter
    }

    /// - Parameters:
    ///   - rank: The rank.
    ///   - alpha: `nil` for twice the rank.
    public init(rank: Int, alpha: Double? = nil) {
        self.rank = rank
        self.alpha = alpha ?? Double(2 * rank)
    }

    /// The factor of what is added.
    public var scale: Double { alpha / (useRslora ? Double(rank).squareRoot() : Double(rank)) }

    /// Returns true if the layer of a path is a target that is named.
    func names(_ layer: String) -> Bool { targets.contains { layer == $0 || layer.hasSuffix("." + $0) } }
}
