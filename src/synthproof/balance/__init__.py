"""Balance: rare classes relieved, every added row marked, and the study that says whether it helped anybody."""
