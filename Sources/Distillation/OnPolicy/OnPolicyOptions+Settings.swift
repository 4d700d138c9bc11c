extension OnPolicyOptions {
    /// The on-policy distillation that settings describe; `nil` where they ask for none.
    ///
    /// - Throws: ``SettingsError`` for a setting of the student's texts without `on_policy`.
    init?(_ reader: SettingsReader) throws {
        let fraction = try reader.value("on_policy", as: Double.self)
        let temperature = try reader.value("on_policy_temperature", as: Double.self)
        let maxNewTokens = try reader.value("on_policy_max_new_tokens", as: Int.self)
        let refresh = try reader.value("on_policy_refresh", as: Int.self)
        guard let fraction else {
            guard temperature == nil, maxNewTokens == nil, refresh == nil else {
                throw SettingsError(
                    "on_policy_temperature, on_policy_max_new_tokens and on_policy_refresh are for texts that the student writes; give "
                        + "them with on_policy, or leave them out")
            }
            return nil
        }
        self.init(fraction: fraction)
        self.temperature = temperature ?? self.temperature
        self.maxNewTokens = maxNewTokens ?? self.maxNewTokens
        refreshSteps = refresh ?? refreshSteps
    }

    /// Writes the options as settings, from which ``init(_:)`` reads them.
    func write(to settings: inout Settings) {
        settings.override("on_policy", fraction)
        settings.override("on_policy_temperature", temperature)
        settings.override("on_policy_max_new_tokens", maxNewTokens)
        settings.override("on_policy_refresh", refreshSteps)
    }
}
