// The layers above see the instructions through this module.
@_exported import Instructions
