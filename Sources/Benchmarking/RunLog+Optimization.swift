import Distillation

extension RunLog {
    /// Warns where this program was built without optimization: its times are not the product's.
    func warnWithoutOptimization() {
        #if DEBUG
            warnOnce(
                "This program was built without optimization, so its times are not the product's; build it with "
                    + "`swift build -c release`.")
        #endif
    }
}
