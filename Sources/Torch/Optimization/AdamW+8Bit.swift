import CTorch

extension AdamW {
    /// How moments are kept.
    public enum MomentPrecision: Sendable {
        case float32
        /// In blocks of 256 numbers with a scale each, rounded to the 256 numbers of bitsandbytes' dynamic tree (Dettmers et al., arXiv
        /// 2110.02861): 2.03 bytes a parameter instead of 8. Small parameters, and tables that are updated row by row, keep float32.
        case eightBit

        /// Parameters of fewer elements keep float32, as bitsandbytes has it.
        public static let smallest = 4096
        /// The numbers that share a scale.
        static let block = 256

        /// The scales of a parameter's moments; `nil` where these are float32.
        func scales(for parameter: Tensor) throws -> MomentScales? {
            guard self == .eightBit, parameter.count >= Self.smallest else { return nil }
            guard parameter.device.kind == .cpu else {
                throw TorchError("adamw_8bit: moments are kept in 8 bits on the CPU alone so far")
            }
            let count = (parameter.count + Self.block - 1) / Self.block
            return MomentScales(first: try .zeros([count]), second: try .zeros([count]))
        }
    }

    /// The largest magnitude of each block of a parameter's moments.
    struct MomentScales {
        let first: Tensor
        let second: Tensor
    }

    /// The name of a parameter's scales in the state.
    static func scaleName(_ parameter: String) -> String { parameter + ".absmax" }

    func updateIn8Bits(_ group: Int, _ place: Int, _ options: ct_adamw_options, isGuarded: Bool) throws {
        guard let scales = scales[group][place] else { return }
        guard !isGuarded else {
            throw TorchError("adamw_8bit: a step that waits for nothing takes no moments in 8 bits")
        }
        try check(
            ct_adamw_8bit_(
                groups[group].parameters[place].tensor.handle, firstMoments[group][place].handle,
                secondMoments[group][place].handle, scales.first.handle, scales.second.handle, options))
    }
}
