const ä̈𝔼 = "‮";
