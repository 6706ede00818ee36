"""`valetkey setup aws`: the commands, run on the administrator's machine."""
